// JSON lines: documents come out as they went in, and a run that broke off leaves whole units only.
#include <stdlib.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "registry/registry.hpp"
#include "sink_fixture.hpp"

namespace lugger::test {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "lugger-sink-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string read_gzip(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::string out(65536, '\0');
  const int got = gzread(file, out.data(), static_cast<unsigned>(out.size()));
  gzclose(file);
  REQUIRE(got >= 0);
  out.resize(static_cast<size_t>(got));
  return out;
}

Mapping mapping() {
  Mapping out = users({column("n", "int8"), column("price", "numeric"), column("at", "timestamptz"),
                       column("j", "jsonb")});
  ChildMapping tags;
  tags.table = "tags";
  tags.from = "tags[]";
  tags.columns = {column("tag", "text", "name")};
  ChildMapping marks;
  marks.table = "marks";
  marks.from = "marks[]";
  marks.columns = {column("mark", "int4", ".")};
  tags.children.push_back(marks);
  out.children.push_back(tags);
  return out;
}

const std::string kDocument =
    R"({"_id": "a\"b", "n": 7, "price": "9.90", "at": {"$date": "2026-03-11T09:30:00.5Z"}, "j": {"x": [1, null]},
        "tags": [{"name": "p", "marks": [1, 2]}, {"name": "q"}]})";

}  // namespace

TEST_CASE("lines in each style, children nested under their table") {
  Folder folder;
  int files = 0;
  auto run = [&](const std::string& style) {
    const std::string file = folder / fmt::format("{}.jsonl", ++files);
    Options options;
    options.set("style", style);
    options.set("state", folder / "state");
    Load load(file, mapping(), options);
    load.open();
    const UnitRecord unit = load.unit({kDocument, R"({"_id": "empty"})"});
    CHECK(counts(unit.tally) == "inserted 2, updated 0, unchanged 0, skipped 0, rejected 0");
    CHECK(unit.tally.rows == 6);
    CHECK(unit.tally.child_rows == 4);
    return read_file(file);
  };
  const std::string children =
      R"("tags":[{"tag":"p","marks":[{"mark":1},{"mark":2}]},{"tag":"q","marks":[]}])";
  CHECK_THAT(run("plain"), ContainsSubstring(children));
  CHECK_THAT(run("plain"),
             ContainsSubstring(R"({"mongo_id":"a\"b","n":7,"price":9.90,"at":"2026-03-11)"));
  CHECK_THAT(run("plain"), ContainsSubstring("{\"mongo_id\":\"empty\",\"n\":null,\"price\":null,"
                                             "\"at\":null,\"j\":null,\"tags\":[]}\n"));
  CHECK_THAT(
      run("relaxed"),
      ContainsSubstring(
          R"("n":7,"price":{"$numberDecimal":"9.90"},"at":{"$date":"2026-03-11T09:30:00.500Z"})"));
  CHECK_THAT(run("canonical"), ContainsSubstring(R"("n":{"$numberLong":"7"},)"));
  CHECK_THAT(run("canonical"),
             ContainsSubstring(R"("at":{"$date":{"$numberLong":"1773221400500"}})"));
}

TEST_CASE("what follows the last unit on record is cut off on resume") {
  Folder folder;
  const bool gzip = GENERATE(false, true);
  const std::string file = folder / (gzip ? "out.jsonl.gz" : "out.jsonl");
  Options options;
  options.set("state", folder / "state");
  Load load(file, users({}), options);
  load.open();
  load.unit({R"({"_id": "1"})"}, 1, false);
  load.unit({R"({"_id": "2"})"}, 1, false);
  load.close();
  {
    std::ofstream torn(file, std::ios::binary | std::ios::app);
    torn << "{\"mongo_id\":\"torn";
  }
  const std::shared_ptr<Target> again = open_target(file, options);
  again->open(load.shape(), {load.run(), "direct", "", 1});
  CHECK((gzip ? read_gzip(file) : read_file(file)) ==
        "{\"mongo_id\":\"1\"}\n{\"mongo_id\":\"2\"}\n");
}

TEST_CASE("a file that cannot be written is told") {
  Folder folder;
  Load load(folder / "no/such/out.jsonl", users({}));
  const TargetReport report = load.inspect();
  REQUIRE(report.problems.size() == 1);
  CHECK_THAT(report.problems[0], ContainsSubstring("does not exist"));
}

}  // namespace lugger::test
