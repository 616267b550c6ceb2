#include "postgres/binary_copy.hpp"

#include "base/text.hpp"
#include "catch.hpp"
#include "postgres/binary_rows.hpp"
#include "reading.hpp"
#include "server_fixture.hpp"

namespace lugger::test {
namespace {

constexpr std::string_view kHeader = "5047434f50590aff0d0a00 00000000 00000000";
constexpr std::string_view kRow = "0002 00000003 616263 ffffffff";  // ('abc', NULL)
constexpr std::string_view kTrailer = "ffff";

std::string bytes(std::string hex) {
  std::erase(hex, ' ');
  return from_hex(hex).value();
}

std::string hex_of(Bytes bytes) { return to_hex(bytes); }

/// The tuples of these messages, each in hex digits.
std::vector<std::string> read(const std::vector<std::string>& messages, size_t fields = 2) {
  CopyTuples tuples(fields);
  std::vector<std::string> out;
  for (const std::string& hex : messages) {
    const std::string message = bytes(hex);
    const Bytes tuple = tuples.of(as_bytes(message));
    if (!tuple.empty()) out.push_back(hex_of(tuple));
  }
  tuples.end();
  return out;
}

std::string refused(const std::vector<std::string>& messages, size_t fields = 2) {
  const Error error = error_of([&] { read(messages, fields); });
  CHECK(error.code() == Code::kRead);
  return error.what();
}

/// The fields of a tuple until its end, NULL as "-".
std::vector<std::string> fields(std::string hex) {
  const std::string tuple = bytes(std::move(hex));
  TupleFields walk(as_bytes(tuple));
  std::vector<std::string> out;
  while (!walk.at_end()) {
    const std::optional<Bytes> field = walk.next();
    out.emplace_back(field ? as_text(*field) : "-");
  }
  return out;
}

}  // namespace

TEST_CASE("tuples stand in messages of their own, the header with the first or alone") {
  const std::string header(kHeader), row(kRow), trailer(kTrailer);
  const std::string tuple = hex_of(as_bytes(bytes(row)));
  CHECK(read({header + row, row, trailer}) == std::vector<std::string>{tuple, tuple});
  CHECK(read({header, row, trailer}) == std::vector<std::string>{tuple});
  CHECK(read({header + trailer}).empty());
  const std::string extended = "5047434f50590aff0d0a00 00000001 00000002 abcd";
  CHECK(read({extended + row, trailer}) == std::vector<std::string>{tuple});
  CHECK(read({header + "0000", trailer}, 0) == std::vector<std::string>{"0000"});
}

TEST_CASE("messages that are damaged are refused") {
  const std::string header(kHeader), row(kRow), trailer(kTrailer);
  CHECK_THAT(refused({""}), ContainsSubstring("signature"));
  CHECK_THAT(refused({header.substr(0, 20)}), ContainsSubstring("signature"));
  CHECK_THAT(refused({"5047434f50590a0d0a0000 00000000 00000000"}), ContainsSubstring("signature"));
  CHECK_THAT(refused({row, trailer}), ContainsSubstring("signature"));
  CHECK_THAT(refused({"5047434f50590aff0d0a00 00010000 00000000" + row}),
             ContainsSubstring("unknown flags"));
  CHECK_THAT(refused({"5047434f50590aff0d0a00 00000000 00000009 abcd"}),
             ContainsSubstring("header is cut short"));
  CHECK_THAT(refused({header + "00"}), ContainsSubstring("row is cut short"));
  CHECK_THAT(refused({header + row, "00"}), ContainsSubstring("row is cut short"));
  CHECK_THAT(refused({header + row, ""}), ContainsSubstring("row is cut short"));
  CHECK_THAT(refused({header + row, trailer}, 3), ContainsSubstring("has 2 fields, and 3"));
  CHECK_THAT(refused({header + "fffe"}), ContainsSubstring("has -2 fields"));
  CHECK_THAT(refused({header + row, trailer, row}), ContainsSubstring("bytes follow their end"));
  CHECK_THAT(refused({header + row, row}), ContainsSubstring("before their end"));
  CHECK_THAT(refused({}), ContainsSubstring("before their end"));
}

TEST_CASE("the fields of a tuple, and tuples that are damaged") {
  CHECK(fields(std::string(kRow)) == std::vector<std::string>{"abc", "-"});
  CHECK(fields("0001 00000000") == std::vector<std::string>{""});
  CHECK(fields("0000").empty());
  for (const char* damaged :
       {"", "00", "0001 00", "0001 000000", "0001 00000001", "0001 00000003 6162", "0001 fffffffe",
        "0001 80000000", "0001 7fffffff 61", "0002 ffffffff 00"}) {
    INFO(damaged);
    const Error error = error_of([&] { fields(damaged); });
    CHECK(error.code() == Code::kRead);
    CHECK_THAT(error.what(), ContainsSubstring("cut short"));
  }
}

TEST_CASE("what a server sends is read to its end, or to its error") {
  PgSession session(test_server(), "test");
  BinaryCopy copy(session, "SELECT g, nullif(g, 2)::text FROM generate_series(1, 3) g", 2);
  const PgBinaryRows rows =
      query_binary(*std::make_unique<PgSession>(test_server(), "test"),
                   "SELECT g, nullif(g, 2)::text FROM generate_series(1, 3) g", {});
  Arena arena;
  size_t row = 0;
  for (Bytes tuple; copy.next(tuple); ++row) {
    REQUIRE(row < rows.size());
    CHECK(hex_of(tuple) == hex_of(rows.tuple(row, 2, arena)));
  }
  CHECK(row == 3);
  Bytes tuple;
  CHECK_FALSE(copy.next(tuple));
  CHECK(copy.bytes() > 3 * 12);
  CHECK(session.query("SELECT 1").text(0, 0) == "1");

  BinaryCopy failing(session, "SELECT 1 / (3 - g) FROM generate_series(1, 9) g", 1);
  const Error error = error_of([&] {
    while (failing.next(tuple)) continue;
  });
  CHECK(error.sqlstate() == "22012");
}

}  // namespace lugger::test
