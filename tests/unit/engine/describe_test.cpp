#include "engine/describe.hpp"

#include "engine_fixture.hpp"
#include "registry/registry.hpp"

namespace lugger::test {
namespace {

const FieldSummary& field(const Description& description, const std::string& path) {
  for (const FieldSummary& one : description.fields) {
    if (one.path == path) return one;
  }
  FAIL("no field " << path);
  return description.fields.front();
}

}  // namespace

TEST_CASE("a dump is described field by field") {
  const auto source = open_source(dump("users.bson"), {});
  const Description users = describe_source(*source, 0);
  CHECK(users.documents == 60);
  CHECK(users.complete);
  CHECK(users.malformed == 0);
  CHECK(users.info.collection == "users");
  CHECK_FALSE(users.info.metadata_json.empty());
  CHECK(field(users, "_id").suggests == "text");
  CHECK(field(users, "_id").seen == 60);
  CHECK(field(users, "createdAt").suggests == "jsonb");
  CHECK(field(users, "createdAt").note == "6 of 60 values are not date");
  CHECK(field(users, "visits").suggests == "int8");
  CHECK(field(users, "balance").suggests == "numeric");
  CHECK(field(users, "address").suggests == "jsonb");
  CHECK(field(users, "bio").nulls > 0);
  uint64_t ages = field(users, "age").nulls;
  for (const TypeCount& type : field(users, "age").types) ages += type.values;
  CHECK(ages == field(users, "age").seen);
}

TEST_CASE("a description stops at its limit and says so") {
  const auto source = open_source(dump("orders.bson"), {});
  const Description some = describe_source(*source, 7);
  CHECK(some.documents == 7);
  CHECK_FALSE(some.complete);
}

TEST_CASE("an empty collection is described, not refused") {
  const auto source = open_source(dump("empty.bson"), {});
  const Description none = describe_source(*source, 0);
  CHECK(none.documents == 0);
  CHECK(none.fields.empty());
}

TEST_CASE("a description can be stopped") {
  const auto source = open_source(dump("users.bson"), {});
  StopFlag stop;
  stop.raise();
  CHECK(error_of([&] { describe_source(*source, 0, &stop); }).code() == Code::kInterrupted);
}

}  // namespace lugger::test
