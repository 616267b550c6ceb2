#include "change/fold.hpp"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <random>

#include "change/apply.hpp"
#include "change/id_key.hpp"
#include "oplogs.hpp"

namespace lugger::test {
namespace {

/// What a change holds, for as long as a test needs it.
struct Op {
  ChangeKind kind;
  int id;
  std::string body, key;  // key: {_id: ..}
};

Op op(ChangeKind kind, int id, const std::string& json = {}) {
  return {kind, id, json.empty() ? std::string() : bson(json),
          bson(fmt::format("{{\"_id\":{}}}", id))};
}

Fold fold(const std::vector<Op>& ops, FoldSettings settings = {}) {
  FoldBuilder builder(std::move(settings), "oplog.bson");
  uint64_t entry = 0;
  for (const Op& one : ops) {
    builder.add(
        {one.kind, "shop.a", bson_field(as_bytes(one.key), "_id"), as_bytes(one.body), 0, ++entry});
  }
  return builder.finish();
}

std::optional<Folded> find(const Fold& of, const std::string& id_json) {
  const std::string document = bson("{\"_id\":" + id_json + "}");
  ByteBuffer key;
  REQUIRE(make_id_key(bson_field(as_bytes(document), "_id"), key));
  return of.find(key.view(), hash_of(key.view()));
}

std::vector<std::string> documents(const Fold& of) {
  std::vector<std::string> out;
  uint64_t after = 0;
  for (Bytes one = of.next_document(after); !one.empty(); one = of.next_document(after))
    out.push_back(text(one));
  return out;
}

const char kUpdate[] = R"({"$v":2,"diff":{"u":{"n":2}}})";

}  // namespace

TEST_CASE("N-03 the changes of a document come together") {
  const Fold folded = fold(
      {op(ChangeKind::kInsert, 1, R"({"_id":1,"n":1})"), op(ChangeKind::kUpdate, 1, kUpdate),
       op(ChangeKind::kUpdate, 2, kUpdate), op(ChangeKind::kDelete, 3),
       op(ChangeKind::kInsert, 4, R"({"_id":4})"), op(ChangeKind::kDelete, 4),
       op(ChangeKind::kDelete, 5), op(ChangeKind::kUpdate, 5, kUpdate),
       op(ChangeKind::kInsert, 5, R"({"_id":5})"), op(ChangeKind::kReplace, 6, R"({"_id":6})")});
  CHECK(text(find(folded, "1")->body) == R"({"_id":1,"n":2})");
  CHECK(find(folded, "2")->outcome == Outcome::kUpdates);
  CHECK(find(folded, "3")->outcome == Outcome::kGone);
  CHECK(find(folded, "4")->outcome == Outcome::kGone);
  CHECK(find(folded, "5")->outcome == Outcome::kDocument);
  CHECK(find(folded, "6")->outcome == Outcome::kDocument);
  CHECK_FALSE(find(folded, "7"));
  CHECK(documents(folded).size() == 3);
  const std::string before = bson(R"({"_id":2,"n":1,"m":0})");
  ByteBuffer one, other;
  CHECK(text(Fold::update(as_bytes(before), find(folded, "2")->body, one, other, "oplog.bson")) ==
        R"({"_id":2,"n":2,"m":0})");
}

TEST_CASE("an _id is found as MongoDB compares it") {
  const Fold folded = fold({op(ChangeKind::kDelete, 1)});
  for (const char* same : {"1", "1.0", R"({"$numberLong":"1"})", R"({"$numberDecimal":"1.00"})"})
    CHECK(find(folded, same));
  for (const char* other : {"\"1\"", "true", "2", R"({"a":1})", R"("$n:1")"})
    CHECK_FALSE(find(folded, other));
}

TEST_CASE("nothing to fold, and changes without an _id") {
  const Fold folded = fold({});
  CHECK_FALSE(find(folded, "1"));
  CHECK(documents(folded).empty());
  FoldBuilder builder({}, "oplog.bson");
  CHECK_THAT(error_of([&] {
               builder.add({ChangeKind::kDelete, "shop.a", {}, {}, 0, 7});
             }).what(),
             ContainsSubstring("entry 7") && ContainsSubstring("without an _id"));
}

TEST_CASE("an update that cannot be applied names its entry") {
  const std::string bad = R"({"$v":2,"diff":{"sa":{"a":true,"u1":1,"u0":1}}})";
  const Error at_once = error_of([&] {
    fold({op(ChangeKind::kInsert, 1, R"({"_id":1,"a":[1]})"), op(ChangeKind::kUpdate, 1, bad)});
  });
  CHECK_THAT(at_once.what(), ContainsSubstring("entry 2"));
  const Fold folded = fold({op(ChangeKind::kUpdate, 1, bad)});
  const std::string before = bson(R"({"_id":1,"a":[1]})");
  ByteBuffer one, other;
  CHECK_THAT(error_of([&] {
               Fold::update(as_bytes(before), find(folded, "1")->body, one, other, "oplog.bson");
             }).what(),
             ContainsSubstring("entry 1") && ContainsSubstring("out of order"));
}

TEST_CASE("capped collections keep the order of insertion, and a replacement its place") {
  FoldSettings settings;
  settings.ordered = true;
  std::vector<Op> ops;
  for (int i = 0; i < 200; ++i)
    ops.push_back(op(ChangeKind::kInsert, 1000 - i, fmt::format(R"({{"_id":{}}})", 1000 - i)));
  ops.push_back(op(ChangeKind::kReplace, 7, R"({"_id":7,"new":1})"));
  const Fold folded = fold(ops, settings);
  const std::vector<std::string> found = documents(folded);
  REQUIRE(found.size() == 200);
  for (int i = 0; i < 200; ++i)
    CHECK(found[static_cast<size_t>(i)] == fmt::format("{{\"_id\":{}}}", 1000 - i));
  CHECK(find(folded, "7")->outcome == Outcome::kUpdates);
}

TEST_CASE("a fold that does not fit into memory is the same, and leaves no file behind") {
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("lugger-fold-{}", getpid());
  std::filesystem::create_directory(directory);
  std::mt19937 random(3);
  std::vector<Op> ops;
  for (int i = 0; i < 20000; ++i) {
    const int id = static_cast<int>(random() % 3000);
    switch (random() % 4) {
      case 0:
        ops.push_back(op(ChangeKind::kInsert, id, fmt::format(R"({{"_id":{},"n":{}}})", id, i)));
        break;
      case 1: ops.push_back(op(ChangeKind::kDelete, id)); break;
      default:
        ops.push_back(
            op(ChangeKind::kUpdate, id,
               fmt::format(R"({{"$v":2,"diff":{{"u":{{"n":{}}},"i":{{"m":{}}}}}}})", i, i)));
    }
  }
  FoldSettings small;
  small.directory = directory;
  small.memory = 1000;
  const Fold in_memory = fold(ops), in_files = fold(ops, small);
  CHECK_FALSE(in_memory.spilled());
  CHECK(in_files.spilled());
  CHECK(in_files.keys() == in_memory.keys());
  CHECK(documents(in_files) == documents(in_memory));
  for (int id = 0; id < 3001; ++id) {
    const auto one = find(in_memory, std::to_string(id)),
               other = find(in_files, std::to_string(id));
    REQUIRE(one.has_value() == other.has_value());
    if (!one) continue;
    REQUIRE(one->outcome == other->outcome);
    REQUIRE(as_text(one->body) == as_text(other->body));
  }
  CHECK(std::filesystem::is_empty(directory));
  std::filesystem::remove_all(directory);
  small.directory = directory;
  CHECK_THAT(error_of([&] { fold(ops, small); }).what(),
             ContainsSubstring("temporary file") && ContainsSubstring("TMPDIR"));
}

}  // namespace lugger::test
