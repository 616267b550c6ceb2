#include "census/references.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "registry/registry.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

/// A collection in a file that goes away with the test.
class File {
 public:
  template <typename Json>
  File(const char* name, int documents, const Json& json)
      : path_((std::filesystem::temp_directory_path() /
               fmt::format("lugger-census-{}-{}.bson", getpid(), name))
                  .string()) {
    std::ofstream out(path_, std::ios::binary);
    for (int i = 0; i < documents; ++i) {
      const std::string bson = bson_from_json(json(i));
      out.write(bson.data(), static_cast<std::streamsize>(bson.size()));
    }
  }
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::unique_ptr<Source> open() const { return open_source(path_, {}); }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("names that speak of a collection") {
  for (const std::string_view name : {"userId", "user_id", "user", "users", "USER_IDS", "userRef"})
    CHECK(names_collection(name, "users"));
  CHECK(names_collection("categoryId", "categories"));
  CHECK(names_collection("boxId", "boxes"));
  CHECK_FALSE(names_collection("ownerId", "users"));
  CHECK_FALSE(names_collection("id", "users"));
  CHECK_FALSE(names_collection("user", "user_events"));
}

TEST_CASE("references are counted the same however little memory there is") {
  const File users("users", 20000, [](int i) { return fmt::format(R"({{"_id":"u{}"}})", i); });
  const File orders("orders", 5000, [](int i) {
    return fmt::format(
        R"({{"_id":{},"user":"u{}","a.b":"u1","list":[{{"by":["u{}","x{}"]}},{{"by":"u1"}}]}})", i,
        i < 4990 ? i : i + 100000, i, i);
  });
  const std::vector<std::string> paths{"user", "list[].by[]", "a\\.b", "nowhere"};
  for (const uint64_t memory : {uint64_t{64} << 20, uint64_t{32} << 10}) {
    INFO(memory);
    const auto from = orders.open(), to = users.open();
    const std::vector<ReferenceCount> found = check_references(*from, paths, *to, memory);
    REQUIRE(found.size() == 4);
    CHECK(found[0].values == 5000);
    CHECK(found[0].dangling == 10);
    CHECK(found[0].found == 4990);
    REQUIRE(found[0].examples.size() == 3);
    CHECK(found[1].values == 10000);
    CHECK(found[1].dangling == 5000);
    CHECK(found[2].found == 5000);
    CHECK(found[3].values == 0);
  }
}

}  // namespace lugger::test
