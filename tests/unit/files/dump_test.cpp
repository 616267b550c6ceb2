#include "files/dump_dir.hpp"
#include "reading.hpp"
#include "registry/registry.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

const std::vector<std::string> kNames = {"empty", "ids", "log", "orders", "raw", "types", "users"};

std::vector<std::string> chain(const std::string& path) {
  const std::string bytes = contents(path);
  std::vector<std::string> out;
  for (size_t at = 0; at < bytes.size(); at += out.back().size()) {
    out.push_back(bytes.substr(at, load_le<uint32_t>(bytes.data() + at)));
  }
  return out;
}

}  // namespace

TEST_CASE("a dump reads the same from its directory, gzip, archive and gzip archive") {
  for (const std::string& name : kNames) {
    INFO(name);
    const std::vector<std::string> truth = chain(data("dump/shop/" + name + ".bson"));
    CHECK(read_all(data("dump/shop/" + name + ".bson"), {}) == truth);
    CHECK(read_all(data("dump/shop"), collection(name)) == truth);
    CHECK(read_all(data("dump"), collection("shop." + name)) == truth);
    CHECK(read_all(data("dump-gzip"), collection("shop." + name)) == truth);
    CHECK(read_all(data("dump-gzip/shop/" + name + ".bson.gz"), {}) == truth);
    CHECK(read_all(data("shop.archive"), collection("shop." + name)) == truth);
    CHECK(read_all(data("shop.archive.gz"), collection(name)) == truth);
  }
  CHECK(chain(data("dump/shop/ids.bson")).size() == 21);
  CHECK(chain(data("dump/shop/users.bson")).size() == 60);
  CHECK(chain(data("dump/shop/empty.bson")).empty());
}

TEST_CASE("small batches keep order and honour the limits") {
  const auto source = open_source(data("dump-gzip"), collection("users"));
  const auto whole = read_all(*source);
  CHECK(read_all(*source, 1, 1) == whole);
  CHECK(read_all(*source, 1, 7) == whole);
  Arena arena;
  Batch batch(arena);
  batch.max_bytes = 600;
  const auto cursor = source->open(source->split(1)[0]);
  REQUIRE(cursor->fill(batch));
  size_t bytes = 0;
  for (const Document& document : batch.documents) bytes += document.size;
  CHECK(batch.source_bytes == bytes);
  CHECK(bytes >= 600);
  CHECK(bytes - batch.documents.back().size < 600);
}

TEST_CASE("what a dump holds is listed with its metadata") {
  for (const char* place : {"dump", "dump-gzip", "dump/shop", "shop.archive", "shop.archive.gz"}) {
    INFO(place);
    const auto all = look_at_place(data(place), {}).collections;
    std::vector<std::string> names;
    for (const CollectionInfo& info : all) {
      if (info.database != "shop") continue;
      names.push_back(info.collection);
      CHECK(info.type == (info.collection == "adult_users" ? "view" : "collection"));
      CHECK(info.metadata_json.find("\"collectionName\":\"" + info.collection + "\"") !=
            std::string::npos);
    }
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"adult_users", "empty", "ids", "log", "orders", "raw",
                                            "types", "users"});
  }
  const auto info = open_source(data("dump"), collection("users"))->info();
  CHECK(info.kind == "bson");
  CHECK(info.database == "shop");
  CHECK(info.collection == "users");
  CHECK(info.bytes == 14344);
  CHECK(info.metadata_json.find("\"name\":\"city_age\"") != std::string::npos);
  CHECK(info.identity.find("14344 bytes") != std::string::npos);
  const auto beside = open_source(data("dump/shop/users.bson"), {})->info();
  CHECK(beside.database == "shop");
  CHECK(beside.metadata_json == info.metadata_json);
  const auto archive = open_source(data("shop.archive.gz"), collection("users"))->info();
  CHECK(archive.kind == "archive");
  CHECK(archive.compressed);
  CHECK(archive.metadata_json == info.metadata_json);
}

TEST_CASE("a collection that cannot be chosen is told with what there is") {
  CHECK_THAT(error_of([] { open_source(data("dump"), {}); }).what(),
             ContainsSubstring("shop.orders"));
  CHECK_THAT(error_of([] { open_source(data("shop.archive"), {}); }).what(),
             ContainsSubstring("collection = 'db.name'"));
  CHECK_THAT(error_of([] { open_source(data("dump"), collection("userz")); }).what(),
             ContainsSubstring("did you mean"));
  CHECK_THAT(error_of([] { open_source(data("dump"), collection("adult_users")); }).what(),
             ContainsSubstring("is a view"));
  CHECK_THAT(error_of([] { open_source(data("shop.archive"), collection("adult_users")); }).what(),
             ContainsSubstring("is a view"));
  CHECK_THAT(error_of([] { open_source(data("nothing"), {}); }).what(),
             ContainsSubstring("does not exist"));
  CHECK_THAT(error_of([] {
               open_source(data("dump"), options({{"colection", "users"}}));
             }).what(),
             ContainsSubstring("did you mean collection"));
  CHECK_THAT(error_of([] { open_source("mysql://u:secret@h/shop", {}); }).what(),
             !ContainsSubstring("secret") && ContainsSubstring("a PostgreSQL, a MongoDB"));
}

TEST_CASE("escaped, long and hostile collection names are read back") {
  CHECK(unescape_name("a+b%2Fc%24d%C3%A9") == "a b/c$d\xC3\xA9");
  const Scratch scratch;
  const std::string one = small_document(1);
  scratch.write("dump/db one/a+b%2Fc.bson", one);
  scratch.write("dump/db one/%22%3B+drop+table.bson", one + one);
  const std::string stem = std::string(208, 'x') + "%24" + std::string(27, 'h');
  scratch.write("dump/db one/" + stem + ".bson", one);
  const std::string longest = std::string(230, 'x') + "-the-true-name";
  scratch.write("dump/db one/" + stem + ".metadata.json",
                R"({"indexes":[],"collectionName":")" + longest + R"(","type":"collection"})");
  const std::string dump = scratch.path("dump");
  CHECK(read_all(dump, collection("a b/c")).size() == 1);
  CHECK(read_all(dump, collection("\"; drop table")).size() == 2);
  CHECK(open_source(dump, collection("db one." + longest))->info().collection == longest);
  CHECK(open_source(dump + "/db one/" + stem + ".bson", {})->info().collection == longest);
}

TEST_CASE("what belongs to the server is read only when named; time series are refused") {
  const Scratch scratch;
  const std::string one = small_document(1);
  scratch.write("dump/shop/users.bson", one);
  scratch.write("dump/shop/%24admin.system.users.bson", one);
  scratch.write("dump/admin/system.version.bson", one);
  scratch.write("dump/config/settings.bson", one);
  const std::string entry = bson_from_json(R"({"op":"n","ns":"","o":{}})");
  scratch.write("dump/oplog.bson", gzipped(entry + entry + entry));
  const std::string dump = scratch.path("dump");
  REQUIRE(look_at_place(dump, {}).collections.size() == 1);
  CHECK(open_source(dump, {})->info().collection == "users");
  CHECK(read_all(dump, collection("oplog")).size() == 3);
  CHECK(read_all(dump, collection("admin.system.version")).size() == 1);

  scratch.write(
      "dump/shop/weather.metadata.json",
      R"({"options":{"timeseries":{"timeField":"t"}},"indexes":[],"collectionName":"weather","type":"timeseries"})");
  const std::string buckets = scratch.write("dump/shop/system.buckets.weather.bson", one);
  CHECK(look_at_place(dump, {}).collections.size() == 2);
  CHECK_THAT(error_of([&] { open_source(dump, collection("weather")); }).what(),
             ContainsSubstring("mongoexport"));
  CHECK_THAT(error_of([&] { open_source(buckets, {}); }).what(), ContainsSubstring("time series"));
  CHECK(read_all(buckets, options({{"format", "bson"}})).size() == 1);

  scratch.write("dump/shop/lost.metadata.json",
                R"({"indexes":[],"collectionName":"lost","type":"collection"})");
  CHECK_THAT(error_of([&] { open_source(dump, collection("lost")); }).what(),
             ContainsSubstring("no data"));
}

TEST_CASE("what a file is shows in its bytes, not in its name") {
  const Scratch scratch;
  const std::string bson = contents(data("dump/shop/ids.bson")),
                    archive = contents(data("shop.archive"));
  const size_t count = chain(data("dump/shop/ids.bson")).size();
  CHECK(read_all(scratch.write("a.json", bson), {}).size() == count);
  CHECK(read_all(scratch.write("b", gzipped(bson)), {}).size() == count);
  CHECK(read_all(scratch.write("c.bson", archive), collection("ids")).size() == count);
  CHECK(open_source(scratch.write("d.bson", "  {\"a\": 1}\n"), {})->info().kind == "json");
  CHECK(open_source(scratch.write("e.bson", gzipped("[\n{\"a\": 1}]")), {})->info().kind == "json");
  CHECK(read_all(scratch.write("f.bson", ""), {}).empty());
  CHECK_THAT(error_of([&] {
               open_source(scratch.write("g",
                                         "\x7F"
                                         "ELF rubbish"),
                           {});
             }).what(),
             ContainsSubstring("cannot tell what"));
}

TEST_CASE("a document of 559,903 bytes begins like gzip and is BSON all the same") {
  const Scratch scratch;
  const std::string document = small_document(7, 559903 - 20);
  REQUIRE(document.size() == 559903);
  REQUIRE(static_cast<uint8_t>(document[0]) == 0x1F);
  CHECK(read_all(scratch.write("big.bson", document), {}) == std::vector<std::string>{document});
}

}  // namespace lugger::test
