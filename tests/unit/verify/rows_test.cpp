// A target of any kind is verified that can read its rows back.
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "engine/job_impl.hpp"
#include "memory_target.hpp"
#include "verify/verification.hpp"

namespace lugger::test {
namespace {

Column column(std::string name, std::string_view type, std::string from) {
  Column out;
  out.name = std::move(name);
  out.type = parse_column_type(type);
  out.from = std::move(from);
  return out;
}

/// Documents {_id: "a", n: 1}, as JSON lines, held against these rows.
Verdict verify(const std::string& lines, std::vector<MemoryRow> rows) {
  std::string file = (std::filesystem::temp_directory_path() / "lugger-rows-XXXXXX").string();
  REQUIRE(mkdtemp(file.data()) != nullptr);
  const std::filesystem::path directory = file;
  file += "/docs.jsonl";
  std::ofstream(file) << lines;
  JobSpec spec;
  spec.name = "docs";
  spec.source = file;
  spec.target = "memory";
  spec.mapping.table = "docs";
  spec.mapping.columns = {column("mongo_id", "text", "_id"), column("n", "int4", "n")};
  spec.mapping.columns[0].id_text_column = true;
  spec.mapping.key = {"mongo_id"};
  Job job(std::move(spec));
  job.impl().target = std::make_shared<MemoryTarget>(std::move(rows));
  Verification verification(job, {});
  const Verdict verdict = verification.result();
  std::filesystem::remove_all(directory);
  return verdict;
}

constexpr const char* kDocuments =
    "{\"_id\": \"a\", \"n\": 1}\n{\"_id\": \"b\", \"n\": 2}\n{\"_id\": \"c\", \"n\": 3}\n";

}  // namespace

TEST_CASE("a target that is no server is verified through its rows") {
  const Verdict verdict = verify(kDocuments, {{"a", 1}, {"b", 2}, {"c", 3}});
  CHECK(verdict.equal);
  CHECK(verdict.server == "memory 1.0");
  CHECK(verdict.position == "now");
  REQUIRE(verdict.tables.size() == 1);
  CHECK(verdict.tables[0].equal == 3);
}

TEST_CASE("what differs there is told by its key") {
  const Verdict verdict = verify(kDocuments, {{"a", 1}, {"b", 5}, {"d", 4}});
  CHECK_FALSE(verdict.equal);
  REQUIRE(verdict.tables.size() == 1);
  CHECK(verdict.tables[0].missing == 1);
  CHECK(verdict.tables[0].extra == 1);
  CHECK(verdict.tables[0].different == 1);
  REQUIRE(verdict.rows.size() == 3);
  CHECK(verdict.rows[0].key == "mongo_id=c");
  CHECK(verdict.rows[1].key == "mongo_id=d");
  CHECK(verdict.rows[2].key == "mongo_id=b");
  REQUIRE(verdict.rows[2].columns.size() == 1);
  CHECK(verdict.rows[2].columns[0].source == "2");
  CHECK(verdict.rows[2].columns[0].target == "5");
}

TEST_CASE("rows of one key are found there, where source and target sum up to the same") {
  const std::string twice = "{\"_id\": \"a\", \"n\": 1}\n{\"_id\": \"a\", \"n\": 2}\n";
  const Verdict verdict = verify(twice, {{"a", 1}, {"a", 2}});
  CHECK_FALSE(verdict.equal);
  CHECK(verdict.tables[0].extra == 1);
}

}  // namespace lugger::test
