#include "engine/embed_store.hpp"

#include "base/error.hpp"
#include "base/whole_file.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

// A power failure may cost the last answers, never the file.
constexpr const char* kSettings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL";
constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS makings (making integer PRIMARY KEY, words text NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS vectors (
  making integer NOT NULL REFERENCES makings (making) ON DELETE CASCADE,
  digest blob NOT NULL,                      -- SHA-256 of the text
  vector blob NOT NULL,                      -- floats, little-endian
  PRIMARY KEY (making, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spent (
  run text PRIMARY KEY,
  requests integer NOT NULL, texts integer NOT NULL, tokens integer NOT NULL,
  nano_usd integer NOT NULL
) STRICT;
)sql";

void make_file(const fs::path& file) {
  const AllowedPath allowed(file);
  std::error_code error;
  if (fs::exists(allowed.text(), error)) return;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
  if (error) raise(Code::kConfig, "cannot make {}: {}", file.string(), error.message());
  write_new_file(file, "", 0600);
}

}  // namespace

EmbedSpent& EmbedSpent::operator+=(const EmbedSpent& other) noexcept {
  requests += other.requests, texts += other.texts;
  tokens += other.tokens, nano_usd += other.nano_usd;
  return *this;
}

EmbedStore::EmbedStore(const std::string& file) : file_(file) {
  make_file(file);
  database_ = std::make_unique<Sqlite>(AllowedPath(file));
  if (database_->read_only()) database_->refuse_to_write();
  database_->execute(kSettings);
  database_->execute(kTables);
  find_ = std::make_unique<SqliteStatement>(
      *database_, "SELECT vector FROM vectors WHERE making = ? AND digest = ?");
  keep_ = std::make_unique<SqliteStatement>(
      *database_, "INSERT OR REPLACE INTO vectors (making, digest, vector) VALUES (?, ?, ?)");
}

int64_t EmbedStore::making(const std::string& words) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT INTO makings (words) VALUES (?) ON CONFLICT DO NOTHING", {words});
  return database_->number("SELECT making FROM makings WHERE words = ?", {words});
}

std::string EmbedStore::find(int64_t making, std::string_view digest) {
  const std::lock_guard lock(mutex_);
  find_->begin({making, SqliteBlob(digest)});
  if (!find_->next()) return {};
  std::string out = find_->text(0);
  find_->next();  // lets go of the file
  return out;
}

void EmbedStore::keep(int64_t making, std::span<const Entry> entries) {
  const std::lock_guard lock(mutex_);
  SqliteTransaction transaction(*database_);
  for (const Entry& entry : entries)
    keep_->run({making, SqliteBlob(entry.digest), SqliteBlob(entry.vector)});
  transaction.commit();
}

EmbedSpent EmbedStore::spent(const std::string& run) {
  const std::lock_guard lock(mutex_);
  SqliteStatement found(*database_,
                        "SELECT requests, texts, tokens, nano_usd FROM spent WHERE run = ?");
  found.begin({run});
  EmbedSpent out;
  if (found.next()) out = {found.number(0), found.number(1), found.number(2), found.number(3)};
  return out;
}

void EmbedStore::spend(const std::string& run, const EmbedSpent& more) {
  const std::lock_guard lock(mutex_);
  database_->run(
      "INSERT INTO spent (run, requests, texts, tokens, nano_usd) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (run) DO UPDATE SET requests = requests + ?2, texts = texts + ?3, "
      "tokens = tokens + ?4, nano_usd = nano_usd + ?5",
      {run, more.requests, more.texts, more.tokens, more.nano_usd});
}

}  // namespace lugger
