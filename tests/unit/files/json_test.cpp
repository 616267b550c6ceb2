#include "files/json_split.hpp"
#include "reading.hpp"
#include "registry/registry.hpp"
#include "value/damaged.hpp"

namespace lugger::test {
namespace {

/// Lines of a few shapes: nested objects, braces and escaped newlines inside of strings.
std::string json_lines(int count, size_t spread) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += fmt::format(R"({{"n":{},"s":"}}\n{{ {}","a":[{{"b":{}}},{{}}]}})", i,
                       std::string(static_cast<size_t>(i * 7919) % spread, 'x'), i);
    out += '\n';
  }
  return out;
}

}  // namespace

TEST_CASE("exports in every layout give the documents of the dump") {
  const size_t count = read_all(data("dump/shop/users.bson"), {}).size();
  const std::vector<std::string> truth = read_all(data("export/users.canonical.json"), {});
  CHECK(truth.size() == count);
  CHECK(read_all(data("export/users.canonical-array.json"), {}) == truth);
  CHECK(read_all(data("export/users.relaxed.json"), {}).size() == count);
  CHECK(read_all(data("export/users.relaxed-array-pretty.json"), {}) ==
        read_all(data("export/users.relaxed.json"), {}));
  CHECK(read_all(data("export/ids.canonical.json"), {}).size() ==
        read_all(data("dump/shop/ids.bson"), {}).size());
  CHECK(read_all(data("export/types.canonical.json"), {}).size() ==
        read_all(data("dump/shop/types.bson"), {}).size());
  const Scratch scratch;
  CHECK(read_all(scratch.write("u", gzipped(contents(data("export/users.canonical.json")))), {}) ==
        truth);
  CHECK(read_all(scratch.write("empty.json", ""), {}).empty());
  CHECK(read_all(scratch.write("blank.json", " \n\n"), {}).empty());
  const auto info =
      open_source(data("export/users.canonical.json"), options({{"collection", "shop.users"}}))
          ->info();
  CHECK(info.kind == "json");
  CHECK(info.database == "shop");
  CHECK(info.collection == "users");
}

TEST_CASE("JSON boundaries lie between documents") {
  const std::string lines = json_lines(500, 100);
  for (int parts = 1; parts <= 40; ++parts) {
    const auto begins = json_boundaries(as_bytes(lines), parts, 500);
    INFO(parts);
    CHECK(begins.size() == static_cast<size_t>(parts));
    for (const TextPart& part : begins) {
      CHECK(lines.compare(part.begin, 5, "{\"n\":") == 0);
      CHECK((part.begin == 0 || lines[part.begin - 1] == '\n'));
      CHECK(part.line ==
            1 + static_cast<uint64_t>(std::count(
                    lines.begin(), lines.begin() + static_cast<ptrdiff_t>(part.begin), '\n')));
    }
  }
  // Inner objects on lines of their own are no boundaries: a comma or a bracket stands between
  // them.
  const std::string nested = "{\"a\":[\n{\"b\":1},\n{\"b\":2}\n,\n{\"b\":3}\n]}\n";
  CHECK(json_boundaries(as_bytes(nested), 30, 1).size() == 1);
  const auto pretty = json_boundaries(as_bytes(nested + nested), 2, 1);
  REQUIRE(pretty.size() == 2);
  CHECK(pretty[1].begin == nested.size());
  CHECK(json_boundaries(as_bytes("[" + nested + "," + nested + "]"), 30, 1).size() == 1);
}

TEST_CASE("the parts of a split export make the whole") {
  const Scratch scratch;
  const std::string path = scratch.write("big.json", json_lines(6000, 8000));
  const auto source = open_source(path, {});
  const auto whole = read_all(*source, 1);
  REQUIRE(whole.size() == 6000);
  for (int parts : {2, 3, 5}) {
    INFO(parts);
    CHECK(source->split(parts).size() == static_cast<size_t>(parts));
    CHECK(read_all(*source, parts) == whole);
  }
}

TEST_CASE("a resume of an export from every position gives the rest") {
  const Scratch scratch;
  const std::string zipped =
      scratch.write("u.json.gz", gzipped(contents(data("export/users.relaxed-array-pretty.json"))));
  for (const std::string& place :
       {data("export/users.canonical.json"), data("export/users.canonical-array.json"),
        data("export/users.relaxed-array-pretty.json"), zipped}) {
    INFO(place);
    const auto source = open_source(place, {});
    const Partition part = source->split(1)[0];
    const std::vector<std::string> whole = read_part(*source, part);
    Arena arena;
    Batch batch(arena);
    batch.max_documents = 1;
    const auto cursor = source->open(part);
    size_t read = 0;
    while (cursor->fill(batch)) {
      batch.clear();
      ++read;
      INFO(cursor->position());
      CHECK(source->open(part, cursor->position())->position() == cursor->position());
      const std::vector<std::string> rest = read_part(*source, part, cursor->position());
      REQUIRE(rest ==
              std::vector<std::string>(whole.begin() + static_cast<ptrdiff_t>(read), whole.end()));
    }
    CHECK(read == whole.size());
  }
}

TEST_CASE("a broken line of JSON stands for itself with its number, also after a resume") {
  const Scratch scratch;
  const std::string good = json_lines(20, 100);
  const std::string path = scratch.write("b.json", good + "{\"n\": nonsense}\n" + good);
  const auto source = open_source(path, {});
  Arena arena;
  Batch batch(arena);
  const auto cursor = source->open(source->split(1)[0]);
  batch.max_documents = 20;
  REQUIRE(cursor->fill(batch));
  REQUIRE(batch.documents.size() == 20);
  CHECK(damage_of(batch.documents[19].bytes()).empty());
  batch.clear();
  const auto resumed = source->open(source->split(1)[0], cursor->position());
  for (Cursor* reader : {cursor.get(), resumed.get()}) {
    batch.clear();
    REQUIRE(reader->fill(batch));
    REQUIRE(batch.documents.size() == 20);
    const auto damaged = damaged_text(batch.documents[0].bytes());
    REQUIRE(damaged);
    CHECK(damaged->reason.starts_with("line 21, column 7: "));
    CHECK(damaged->text == R"({"n": nonsense})");
    CHECK(damage_of(batch.documents[1].bytes()).empty());
  }
}

}  // namespace lugger::test
