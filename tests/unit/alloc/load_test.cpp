// What a worker does with every document of a load, from the file to the COPY stream, without a
// single allocation once it is warm.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "counting.hpp"
#include "place/source.hpp"
#include "plan/plan.hpp"
#include "postgres/copy_rows.hpp"
#include "registry/registry.hpp"
#include "value/bson_writer.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

constexpr int kDocuments = 60000;
constexpr int kBatchesOfUnit = 10;
constexpr int kWarmUnits = 4;

std::string document(int i) {
  return bson_from_json(fmt::format(
      R"({{"_id":{{"$oid":"64f1c0a2b3c4d5e6{:08x}"}},"email":"user{}@example.com","createdAt":{{"$date":{{"$numberLong":"{}"}}}},)"
      R"("updatedAt":"2026-03-07T05:30:00.{:03}Z","metadata":{{"plan":"pro","n":{},"score":{}.25,"list":[1,"two",null,{{"a":true}}]}},)"
      R"("balance":{{"$numberDecimal":"{}.{:02}"}},"price":"{}.50","paid":{}.125,"tags":["a","tag {}"],"source":"web","visits":{}}})",
      i, i % 1000, 1700000000000 + i, i % 1000, i % 100, i % 7, i % 1000, i % 100, i % 100, i % 10,
      i % 10, i));
}

Column column(std::string name, std::string_view type, std::string from = {}) {
  Column out;
  out.name = std::move(name);
  out.type = parse_column_type(type);
  out.from = std::move(from);
  return out;
}

Mapping users() {
  Mapping out;
  out.table = "users", out.database = "shop", out.collection = "users", out.key = {"mongo_id"};
  out.columns = {column("id", "uuid"),
                 column("mongo_id", "text", "_id"),
                 column("email", "text"),
                 column("created_at", "timestamptz", "createdAt"),
                 column("updated_at", "timestamptz", "updatedAt"),
                 column("metadata", "jsonb"),
                 column("balance", "numeric(12,2)"),
                 column("price", "numeric"),
                 column("paid", "numeric"),
                 column("tags", "text[]"),
                 column("rest", "jsonb", "*")};
  out.columns[0].generate = Column::Generate::kV5;
  out.columns[1].id_text_column = true;
  out.columns.back().policy.json = JsonStyle::kTyped;
  return out;
}

/// A file of documents that goes away with the test.
class File {
 public:
  explicit File(const char* name)
      : path_((std::filesystem::temp_directory_path() /
               fmt::format("lugger-alloc-{}-{}", getpid(), name))
                  .string()) {
    std::ofstream out(path_, std::ios::binary);
    for (int i = 0; i < kDocuments; ++i) {
      const std::string bson = document(i);
      out.write(bson.data(), static_cast<std::streamsize>(bson.size()));
    }
  }
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// One worker's room, as the engine and the sink keep it: an arena and batches a unit, a buffer a
/// table.
struct Worker {
  explicit Worker(const Mapping& mapping)
      : shape(std::make_shared<const PlanShape>(mapping)), plan(shape) {
    for (const TablePlan& table : shape->tables()) {
      RowEncoder encoder;
      for (size_t slot = 0; slot < table.columns.size(); ++slot)
        encoder.add(slot, field_encoder(table.columns[slot].type.kind));
      encoders.push_back(std::move(encoder));
    }
    for (int i = 0; i < kBatchesOfUnit; ++i) batches.push_back(std::make_unique<Batch>(arena));
    streams.resize(encoders.size());
  }

  /// False at the end of the source.
  bool unit(Cursor& cursor) {
    arena.reset();
    for (ByteBuffer& stream : streams) stream.clear();
    for (const auto& batch : batches) {
      batch->clear();
      batch->max_documents = 500;
      if (!cursor.fill(*batch)) return false;
      plan.run(*batch, nullptr);
      encode(*batch);
    }
    return true;
  }

  void encode(Batch& batch) {
    refused += batch.refusals.size();
    for (size_t table = 0; table < batch.tables.size(); ++table) {
      const RowSet& set = batch.tables[table];
      for (size_t row = 0; row < set.rows(); ++row) {
        encoders[table].begin(streams[table]);
        encoders[table].fields(set.row(row), streams[table]);
      }
      rows += set.rows();
    }
  }

  std::shared_ptr<const PlanShape> shape;
  Plan plan;
  Arena arena;
  std::vector<std::unique_ptr<Batch>> batches;
  std::vector<RowEncoder> encoders;
  std::vector<ByteBuffer> streams;
  size_t rows = 0, refused = 0;
};

/// Allocations behind the warm-up, over everything that is left of the file.
uint64_t counted(const std::string& path, const Mapping& mapping, size_t& rows) {
  const auto source = open_source(
      path, Options(std::map<std::string, OptionValue>{{"collection", std::string("shop.users")}}));
  const auto cursor = source->open(source->split(1).at(0));
  Worker worker(mapping);
  for (int i = 0; i < kWarmUnits; ++i) REQUIRE(worker.unit(*cursor));
  rows = worker.rows;
  const uint64_t before = allocations();
  while (worker.unit(*cursor)) continue;
  const uint64_t after = allocations();
  CHECK(worker.refused == 0);
  rows = worker.rows - rows;
  return after - before;
}

}  // namespace

TEST_CASE("the counter counts") {
  const uint64_t before = allocations();
  const auto made = std::make_unique<std::string>(100, 'x');
  CHECK(made->size() == 100);
  CHECK(allocations() >= before + 2);
}

TEST_CASE("in steady state a load allocates nothing") {
  const File file("plain.bson");
  size_t rows = 0;
  CHECK(counted(file.path(), users(), rows) == 0);
  CHECK(rows == kDocuments - 500 * kBatchesOfUnit * kWarmUnits);

  SECTION("each column alone, to name the one that does") {
    for (const Column& one : users().columns) {
      INFO(one.name);
      Mapping mapping = users();
      mapping.columns = {mapping.columns[1], one};
      if (one.from.empty() && one.generate == Column::Generate::kNone)
        mapping.columns[1].from = one.name;
      mapping.columns[1].name = "other";
      CHECK(counted(file.path(), mapping, rows) == 0);
    }
  }
}

TEST_CASE("in steady state documents as json allocate nothing, in any style") {
  const File file("json.bson");
  size_t rows = 0;
  for (const JsonStyle style :
       {JsonStyle::kPlain, JsonStyle::kTyped, JsonStyle::kRelaxed, JsonStyle::kCanonical}) {
    INFO(static_cast<int>(style));
    Mapping mapping = users();
    mapping.columns = {mapping.columns[1], mapping.columns.back()};
    mapping.columns[1].policy.json = style;
    CHECK(counted(file.path(), mapping, rows) == 0);
  }
}

TEST_CASE("in steady state child rows allocate nothing") {
  const File file("children.bson");
  Mapping mapping = users();
  mapping.columns.erase(mapping.columns.end() - 2);
  ChildMapping child;
  child.table = "tags", child.from = "tags[]";
  child.columns = {column("tag", "text", ".")};
  mapping.children = {child};
  size_t rows = 0;
  CHECK(counted(file.path(), mapping, rows) == 0);
  CHECK(rows == 3 * (kDocuments - 500 * kBatchesOfUnit * kWarmUnits));
}

}  // namespace lugger::test
