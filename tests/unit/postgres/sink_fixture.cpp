#include "sink_fixture.hpp"

#include <atomic>

#include "base/digest.hpp"
#include "registry/registry.hpp"

namespace lugger::test {
namespace {

const std::string& server_url() {
  static PgServer server("");
  return server.url();
}

std::string url_of(const std::string& database) {
  std::string url = server_url();
  const size_t at = url.find("/postgres");
  return url.replace(at, 9, "/" + database);
}

}  // namespace

Database::Database() {
  static std::atomic<int> number{0};
  name_ = fmt::format("sink_test_{}", ++number);
  PgSession(server_url(), "test").execute("CREATE DATABASE " + name_);
  url_ = url_of(name_);
  session_ = std::make_unique<PgSession>(url_, "test");
}

Database::~Database() {
  session_.reset();
  try {
    PgSession(server_url(), "test").execute("DROP DATABASE " + name_ + " WITH (FORCE)");
  } catch (const Error&) {
    // The server is thrown away with its databases.
  }
}

std::string Database::value(const std::string& query) {
  const PgRows rows = session_->query(query);
  REQUIRE(rows.size() == 1);
  return rows[0][0].value_or("NULL");
}

std::string Database::rows(const std::string& query) {
  const PgRows rows = session_->query(query);
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i != 0) out += "\n";
    for (size_t j = 0; j < rows[i].size(); ++j)
      out += (j == 0 ? "" : "|") + rows[i][j].value_or("NULL");
  }
  return out;
}

Mapping users(std::vector<Column> columns, OnConflict on_conflict) {
  Mapping out;
  out.table = "users";
  out.database = "shop";
  out.collection = "users";
  out.columns.push_back(column("mongo_id", "text", "_id"));
  out.columns.back().id_text_column = true;
  for (Column& one : columns) out.columns.push_back(std::move(one));
  out.key = {"mongo_id"};
  out.on_conflict = on_conflict;
  out.unmapped = Unmapped::kIgnore;
  return out;
}

Load::Load(const std::string& place, Mapping mapping, Options options)
    : shape_(std::make_shared<const PlanShape>(std::move(mapping))),
      target_(open_target(place, options)),
      plan_(shape_),
      run_(uuid_text(uuid_v7().data())) {}

Load& Load::open(const std::string& mode) {
  report_ = target_->inspect(*shape_, true, true);
  CAPTURE(report_.problems);
  REQUIRE(report_.problems.empty());
  target_->create(report_);
  const std::unique_ptr<State> state = target_->state();
  state->ensure();
  RunRecord record;
  record.run = run_;
  record.job = "test " + run_;
  record.mode = mode.empty() ? report_.mode : mode;
  record.status = RunStatus::kRunning;
  PartitionRecord partition;
  partition.id = "0";
  state->start(record, {partition});
  sink_ = target_->open(*shape_, {run_, record.mode, "", 1});
  return *this;
}

UnitRecord Load::unit(const std::vector<std::string>& documents, size_t batch_size, bool done) {
  Arena arena;
  std::deque<Batch> batches;
  UnitRecord unit;
  unit.run = run_;
  unit.partition = "0";
  unit.done = done;
  for (size_t i = 0; i < documents.size(); i += batch_size) {
    Batch& batch = batches.emplace_back(arena);
    fill(batch, documents, i, std::min(documents.size(), i + batch_size));
    for (Fate fate : batch.fates) unit.tally.rejected += fate == Fate::kReject ? 1 : 0;
    sink_->write(batch);
  }
  unit.tally.read = documents.size();
  unit.position = fmt::format("{}", documents.size());
  sink_->commit(unit);
  given_.insert(given_.end(), documents.begin(), documents.end());
  return unit;
}

void Load::fill(Batch& batch, const std::vector<std::string>& documents, size_t first,
                size_t last) {
  for (size_t i = first; i < last; ++i) {
    const std::string bson = bson_from_json(documents[i]);
    Document document;
    document.data = batch.arena().copy(as_bytes(bson));
    document.size = static_cast<uint32_t>(bson.size());
    batch.documents.push_back(document);
  }
  plan_.run(batch, nullptr);
}

std::vector<std::string> Load::finish(Tally& tally) {
  FinishWork work{run_, 2, {}};
  work.again = [this](const std::function<void(Batch&)>& use) {
    Arena arena;
    Batch batch(arena);
    fill(batch, given_, 0, given_.size());
    use(batch);
  };
  return target_->finish(*shape_, work, tally);
}

std::string counts(const Tally& tally) {
  return fmt::format("inserted {}, updated {}, unchanged {}, skipped {}, rejected {}",
                     tally.inserted, tally.updated, tally.unchanged, tally.skipped, tally.rejected);
}

}  // namespace lugger::test
