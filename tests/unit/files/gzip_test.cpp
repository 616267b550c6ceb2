#include "files/gzip.hpp"

#include "reading.hpp"

namespace lugger::test {
namespace {

std::string inflated(std::string_view bytes, size_t piece = 1000) {
  ReadAheadStream stream(
      std::make_unique<GzipBytes>(std::make_unique<MemoryBytes>(as_bytes(bytes)), "memory"), piece);
  std::string out;
  for (Bytes got = stream.next(); !got.empty(); got = stream.next()) out += as_text(got);
  return out;
}

}  // namespace

TEST_CASE("gzip of several members and zero padding is read whole") {
  const std::string text = contents(data("dump/shop/orders.bson"));
  const std::string one = gzipped(text);
  CHECK(inflated(one) == text);
  CHECK(inflated(one, 1) == text);
  CHECK(inflated(one + one + gzipped("") + one) == text + text + text);
  CHECK(inflated(one + std::string(1000, '\0')) == text);
  CHECK(inflated(gzipped("")).empty());
}

TEST_CASE("gzip cut short or followed by garbage is an error that says so") {
  const std::string text = contents(data("dump/shop/orders.bson"));
  const std::string one = gzipped(text);
  for (size_t size = 0; size < one.size(); size += size < 40 ? 1 : 13) {
    INFO(size);
    CHECK_THAT(error_of([&] { inflated(one.substr(0, size)); }).what(),
               ContainsSubstring("cut short"));
  }
  CHECK_THAT(error_of([&] { inflated(one + "garbage"); }).what(), ContainsSubstring("garbage"));
  CHECK_THAT(error_of([&] { inflated(one + one.substr(0, 30)); }).what(),
             ContainsSubstring("cut short"));
  std::string wrong = one;
  wrong[wrong.size() - 6] ^= 1;  // the checksum
  CHECK_THAT(error_of([&] { inflated(wrong); }).what(), ContainsSubstring("damaged"));
}

TEST_CASE("every cut of a gzip dump gives an error, after the documents before it") {
  const std::string whole = contents(data("dump-gzip/shop/users.bson.gz"));
  const Scratch scratch;
  for (size_t size = 0; size < whole.size(); size += 97) {
    INFO(size);
    const std::string path = scratch.write("users.bson.gz", whole.substr(0, size));
    const Error error = error_of([&] { read_all(path, {}); });
    CHECK(error.code() == Code::kRead);
    CHECK_THAT(error.what(), ContainsSubstring("cut short"));
  }
}

TEST_CASE("a stream that is left early stops its thread") {
  const std::string text(3 << 20, 'x');
  const std::string one = gzipped(text);
  for (int i = 0; i < 20; ++i) {
    ReadAheadStream stream(
        std::make_unique<GzipBytes>(std::make_unique<MemoryBytes>(as_bytes(one)), "memory"),
        64 * 1024);
    if (i % 2 == 0) CHECK(stream.next().size() == 64 * 1024);
  }
}

TEST_CASE("steady state: pieces reuse their buffers") {
  const std::string one = gzipped(std::string(4 << 20, 'x'));
  ReadAheadStream stream(
      std::make_unique<GzipBytes>(std::make_unique<MemoryBytes>(as_bytes(one)), "memory"));
  std::map<const uint8_t*, int> seen;
  for (Bytes got = stream.next(); !got.empty(); got = stream.next()) ++seen[got.data()];
  CHECK(seen.size() == 3);
}

}  // namespace lugger::test
