#include "engine_fixture.hpp"

#include <filesystem>
#include <fstream>

#include "postgres/binaries.hpp"
#include "postgres/server.hpp"
#include "value/bson_writer.hpp"

namespace lugger::test {
namespace {

const std::string& server_url() {
  static const std::unique_ptr<PgServer> server = [] {
    if (installed_servers().empty()) {
      std::fputs("SKIP: no PostgreSQL server is installed\n", stderr);
      std::exit(77);
    }
    return std::make_unique<PgServer>("");
  }();
  return server->url();
}

}  // namespace

Scratch::Scratch() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lugger-engine-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Scratch::write(const std::string& name, const std::vector<std::string>& bson) const {
  std::ofstream out(path(name), std::ios::binary);
  for (const std::string& one : bson)
    out.write(one.data(), static_cast<std::streamsize>(one.size()));
  return path(name);
}

std::vector<std::string> Scratch::lines(const std::string& name) const {
  std::ifstream in(path(name));
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

Database::Database() {
  static std::atomic<int> number{0};
  const std::string name = fmt::format("engine_test_{}", ++number);
  PgSession(server_url(), "test").execute("CREATE DATABASE " + name);
  url_ = server_url();
  url_.replace(url_.find("/postgres"), 9, "/" + name);
}

std::string Database::rows(const std::string& query) {
  PgSession session(url_, "test");
  const PgRows rows = session.query(query);
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i != 0) out += "\n";
    for (size_t j = 0; j < rows[i].size(); ++j)
      out += (j == 0 ? "" : "|") + rows[i][j].value_or("NULL");
  }
  return out;
}

std::vector<std::string> numbered(int count, size_t padding) {
  const std::string pad(padding, 'x');
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    ByteBuffer bytes;
    BsonWriter writer(bytes);
    writer.begin_document();
    writer.append("_id", Value::of(ValueType::kInt32, i));
    writer.append("n", Value::of(ValueType::kInt32, i));
    writer.append("pad", Value::of(ValueType::kString, std::string_view(pad)));
    writer.end();
    out.emplace_back(bytes.text());
  }
  return out;
}

Column column(std::string name, std::string_view type, std::string from) {
  Column out;
  out.name = std::move(name);
  out.type = parse_column_type(type);
  out.from = std::move(from);
  return out;
}

JobSpec spec(const std::string& source, const std::string& place, std::vector<Column> columns) {
  JobSpec out;
  out.name = "docs";
  out.source = source;
  out.target = place;
  out.source_options.set("collection", std::string("shop.docs"));
  if (place.find("://") == std::string::npos) out.target_options.set("state", place + ".state");
  out.mapping.table = "docs";
  out.mapping.columns = {column("mongo_id", "text", "_id")};
  out.mapping.columns[0].id_text_column = true;
  for (Column& one : columns) out.mapping.columns.push_back(std::move(one));
  out.mapping.key = {"mongo_id"};
  out.mapping.on_conflict = OnConflict::kSkip;
  out.mapping.unmapped = Unmapped::kIgnore;
  out.script_hash = "first";
  out.resume_command = "lugger run docs.lua";
  return out;
}

RunSettings one_worker() {
  RunSettings settings;
  settings.jobs = 1;
  settings.create = true;
  return settings;
}

RunResult run(JobSpec spec, RunSettings settings) {
  Job job(std::move(spec));
  return job.start(settings)->result();
}

std::string counts(const Tally& t) {
  return fmt::format("read {}: inserted {}, updated {}, unchanged {}, skipped {}, rejected {}",
                     t.read, t.inserted, t.updated, t.unchanged, t.skipped, t.rejected);
}

struct Gate::Hook final : RowHook {
  explicit Hook(Gate& gate) : of(gate) {}
  void apply(Batch&) override { of.pass(); }
  Gate& of;
};

HookFactory Gate::hook() {
  return [this](const auto&...) { return std::make_unique<Hook>(*this); };
}

void Gate::pass() {
  std::unique_lock lock(mutex_);
  if (++passed_ < batch_) return;
  reached_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return open_; });
}

void Gate::await() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return reached_; });
}

void Gate::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

}  // namespace lugger::test
