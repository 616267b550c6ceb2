#include "place/state_file_ddl.hpp"

#include <array>

#include "base/error.hpp"
#include "base/whole_file.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "state.sqlite";

// The tables of postgres/state_ddl.cpp that such a target needs. A released step is never changed;
// a new version appends one.
constexpr std::array<std::string_view, 5> kSteps = {R"sql(
CREATE TABLE meta (version integer NOT NULL, since text NOT NULL DEFAULT ({now})) STRICT;
CREATE TABLE runs (
  ordinal integer PRIMARY KEY AUTOINCREMENT, -- the order of runs: a clock may be set back
  run text NOT NULL UNIQUE,
  job text NOT NULL,
  script_hash text NOT NULL,
  source text NOT NULL,
  source_identity text NOT NULL,
  mode text NOT NULL,
  status text NOT NULL,
  command text NOT NULL,
  message text NOT NULL DEFAULT '',
  run_now text NOT NULL,
  started_at text NOT NULL,
  updated_at text NOT NULL DEFAULT ({now}),
  output_size integer NOT NULL DEFAULT 0     -- bytes of the output that belong to recorded units
) STRICT;
CREATE INDEX runs_job ON runs (job, ordinal);
CREATE TABLE partitions (
  run text NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
  partition text NOT NULL,
  ordinal integer,
  spec text NOT NULL DEFAULT '',
  position text NOT NULL DEFAULT '',
  bytes_total integer NOT NULL DEFAULT 0,
  done integer NOT NULL DEFAULT 0,
  read integer NOT NULL DEFAULT 0,
  inserted integer NOT NULL DEFAULT 0,
  updated integer NOT NULL DEFAULT 0,
  unchanged integer NOT NULL DEFAULT 0,
  skipped integer NOT NULL DEFAULT 0,
  rejected integer NOT NULL DEFAULT 0,
  suppressed integer NOT NULL DEFAULT 0,
  rows integer NOT NULL DEFAULT 0,
  child_rows integer NOT NULL DEFAULT 0,
  bytes integer NOT NULL DEFAULT 0,
  updated_at text NOT NULL DEFAULT ({now}),
  PRIMARY KEY (run, partition)
) STRICT;
CREATE TABLE rejects (
  reject integer PRIMARY KEY AUTOINCREMENT,
  run text NOT NULL,
  job text NOT NULL,
  "table" text NOT NULL,
  document_id text NOT NULL,
  "column" text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  document text,
  raw blob,
  at text NOT NULL
) STRICT;
CREATE INDEX rejects_job ON rejects (job, reject);
INSERT INTO meta (version) VALUES (1);
)sql",
                                                    // the same as in the other ledger
                                                    R"sql(
ALTER TABLE partitions ADD COLUMN deleted integer NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN start text NOT NULL DEFAULT '';
ALTER TABLE partitions ADD COLUMN phase integer NOT NULL DEFAULT 0;
ALTER TABLE rejects ADD COLUMN operation text NOT NULL DEFAULT 'upsert';
INSERT INTO meta (version) VALUES (2);
)sql",
                                                    // '': of a run that was begun before, unknown
                                                    R"sql(
ALTER TABLE runs ADD COLUMN target text NOT NULL DEFAULT '';
INSERT INTO meta (version) VALUES (3);
)sql",
                                                    // what the store says it is
                                                    R"sql(
ALTER TABLE runs ADD COLUMN target_identity text NOT NULL DEFAULT '';
INSERT INTO meta (version) VALUES (4);
)sql",
                                                    // of runs under way
                                                    R"sql(
CREATE TABLE keys (
  run integer NOT NULL REFERENCES runs (ordinal) ON DELETE CASCADE,
  key blob NOT NULL, -- 16 bytes of its digest
  PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
INSERT INTO meta (version) VALUES (5);
)sql"};

// Reading does not change a ledger. A ledger of an earlier version is read through views that add
// the columns introduced since, each by the step that introduced it.
constexpr std::array<const char*, 5> kSeenAsNow = {
    "",
    "CREATE TEMP VIEW partitions AS SELECT *, 0 AS deleted, '' AS start, 0 AS phase FROM "
    "main.partitions; CREATE TEMP VIEW rejects AS SELECT *, 'upsert' AS operation FROM "
    "main.rejects",
    "CREATE TEMP VIEW runs AS SELECT *, '' AS target FROM main.runs",
    "", ""};  // only who writes asks for it

constexpr int64_t kVersion = kSteps.size();

std::string step(int64_t version) {
  constexpr std::string_view kMark = "{now}";
  std::string out(kSteps[static_cast<size_t>(version)]);
  for (size_t at = out.find(kMark); at != std::string::npos;
       at = out.find(kMark, at + kStateNow.size())) {
    out.replace(at, kMark.size(), kStateNow);
  }
  return out;
}

/// 0: the tables have not been created yet.
int64_t version_of(Sqlite& database, const fs::path& file) {
  if (database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'") == 0) return 0;
  const int64_t found = database.number("SELECT max(version) FROM meta");
  if (found > kVersion) {
    throw Error(Code::kConfig,
                fmt::format("{} was written by a newer lugger (version {}, this one knows {})",
                            file.string(), found, kVersion),
                "use that lugger, or another directory with state = '...' in lugger.target(...)");
  }
  return found;
}

bool is_there(const fs::path& directory) {
  std::error_code ignored;
  if (fs::exists(directory / kFile, ignored)) return true;
  const fs::path old = directory / "state.log";
  if (!fs::exists(old, ignored)) return false;
  throw Error(Code::kConfig,
              fmt::format("{} is the ledger of an older lugger, which this one does not read",
                          old.string()),
              "let that lugger finish its runs and rejects; then delete the file. The next run "
              "begins anew, and writes its output from the start");
}

}  // namespace

std::unique_ptr<Sqlite> make_state(const fs::path& directory) {
  const fs::path file = directory / kFile;
  const AllowedPath allowed(directory);
  if (!is_there(allowed.text())) {
    std::error_code error;
    fs::create_directories(allowed.text(), error);
    if (error) raise(Code::kConfig, "cannot make {}: {}", directory.string(), error.message());
    // Rejects contain documents, hence the mode. An empty file is a valid database without tables.
    write_new_file(file, "", 0600);
  }
  auto database = std::make_unique<Sqlite>(file);
  if (database->read_only()) database->refuse_to_write();
  if (version_of(*database, file) == kVersion) return database;
  // Must be set before the first table. A reject of usual size fills more than half of a small
  // page, and the rest would be wasted. With auto_vacuum, pruning can shrink the file.
  database->execute("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL");
  // When two processes start at once, the second waits here and finds the tables already created.
  SqliteTransaction transaction(*database);
  for (int64_t found = version_of(*database, file); found < kVersion; ++found)
    database->execute(step(found));
  transaction.commit();
  return database;
}

std::unique_ptr<Sqlite> find_state(const fs::path& directory) {
  if (!is_there(directory)) return nullptr;
  auto database = std::make_unique<Sqlite>(directory / kFile);
  const int64_t found = version_of(*database, directory / kFile);
  if (found == 0) return nullptr;
  for (int64_t step = found; step < kVersion; ++step)
    database->execute(kSeenAsNow[static_cast<size_t>(step)]);
  return database;
}

}  // namespace lugger
