#include "files/bson_chain.hpp"
#include "reading.hpp"
#include "registry/registry.hpp"

namespace lugger::test {
namespace {

std::string concatenated(const std::vector<std::string>& documents) {
  std::string out;
  for (const std::string& document : documents) out += document;
  return out;
}

std::vector<std::string> many(int count, size_t spread) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i)
    out.push_back(small_document(i, static_cast<size_t>(i * 7919) % spread));
  return out;
}

}  // namespace

TEST_CASE("boundaries are document boundaries, for any number of parts") {
  const std::vector<std::string> documents = many(997, 300);
  const std::string file = concatenated(documents);
  std::vector<uint64_t> true_begins;
  for (uint64_t at = 0; const std::string& document : documents) {
    true_begins.push_back(at);
    at += document.size();
  }
  for (int parts = 1; parts <= 64; ++parts) {
    const auto begins = bson_boundaries(as_bytes(file), parts, 1000);
    INFO(parts);
    REQUIRE(begins.size() == static_cast<size_t>(parts));
    for (size_t i = 0; i < begins.size(); ++i) {
      CHECK(std::binary_search(true_begins.begin(), true_begins.end(), begins[i]));
      if (i > 0) CHECK(begins[i] - begins[i - 1] >= 1000);
    }
  }
  CHECK(bson_boundaries(as_bytes(file), 64, file.size()).size() == 1);
  CHECK(bson_boundaries({}, 4, 1000) == std::vector<uint64_t>{0});
}

TEST_CASE("the parts of a split file make the whole") {
  const Scratch scratch;
  const std::vector<std::string> documents = many(6000, 9000);
  const std::string path = scratch.write("shop/big.bson", concatenated(documents));
  const auto source = open_source(path, {});
  REQUIRE(source->info().bytes > 24'000'000);
  for (int parts : {1, 2, 3, 4, 5, 6, 50}) {
    INFO(parts);
    const auto split = source->split(parts);
    CHECK(split.size() == static_cast<size_t>(std::min(parts, 6)));
    for (const Partition& part : split) CHECK(part.bytes >= 4 << 20);
    CHECK(read_all(*source, parts) == documents);
  }
}

TEST_CASE("a cut file splits, and the part with the fault reports it") {
  const Scratch scratch;
  const std::string whole = concatenated(many(6000, 9000));
  const auto source =
      open_source(scratch.write("cut.bson", whole.substr(0, whole.size() - 10)), {});
  const auto parts = source->split(3);
  REQUIRE(parts.size() == 3);
  CHECK_NOTHROW(read_part(*source, parts[0]));
  CHECK_NOTHROW(read_part(*source, parts[1]));
  const Error error = error_of([&] { read_part(*source, parts[2]); });
  CHECK(error.code() == Code::kRead);
  CHECK_THAT(error.what(), ContainsSubstring("cut.bson"));
}

TEST_CASE("a resume from every position gives the rest") {
  for (const char* place : {"dump", "dump-gzip", "shop.archive", "shop.archive.gz"}) {
    INFO(place);
    const auto source = open_source(data(place), collection("shop.users"));
    const Partition part = source->split(1)[0];
    const std::vector<std::string> whole = read_part(*source, part);
    Arena arena;
    Batch batch(arena);
    batch.max_documents = 1;
    const auto cursor = source->open(part);
    CHECK(cursor->position().empty());
    size_t read = 0;
    while (cursor->fill(batch)) {
      batch.clear();
      ++read;
      const std::vector<std::string> rest = read_part(*source, part, cursor->position());
      REQUIRE(rest ==
              std::vector<std::string>(whole.begin() + static_cast<ptrdiff_t>(read), whole.end()));
    }
    CHECK(read == whole.size());
    CHECK(error_of([&] { source->open(part, "nonsense"); }).code() == Code::kConfig);
  }
}

TEST_CASE("impossible lengths end the reading with where and what") {
  const Scratch scratch;
  const std::string good = small_document(1, 10);
  const auto with_length = [&](int32_t length) {
    return good + std::string(reinterpret_cast<const char*>(&length), 4) + "rest of it";
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {with_length(0), "0 at byte 30"},
      {with_length(4), "4 at byte 30"},
      {with_length(-5), "-5 at byte 30"},
      {with_length(16793601), "16793601 at byte 30"},
      {with_length(100), "100 bytes long, but 14 bytes are left"},
      {good + "abc", "3 bytes are left at byte 30"},
  };
  REQUIRE(good.size() == 30);
  for (const auto& [bytes, words] : cases) {
    for (const bool gzip : {false, true}) {
      INFO(words << (gzip ? " gzip" : ""));
      const auto source = open_source(scratch.write("a.bson", gzip ? gzipped(bytes) : bytes), {});
      Arena arena;
      Batch batch(arena);
      const auto cursor = source->open(source->split(1)[0]);
      REQUIRE(cursor->fill(batch));
      CHECK(batch.documents.size() == 1);
      batch.clear();
      const Error error = error_of([&] { cursor->fill(batch); });
      CHECK(error.code() == Code::kRead);
      CHECK_THAT(error.what(), ContainsSubstring(words));
      CHECK_FALSE(error.hint().empty());
    }
  }
  CHECK(error_of([&] { read_all(scratch.write("b.bson", "\x03\0\0\0\0"), {}); }).code() !=
        Code::kBug);
}

TEST_CASE("a document that is broken inside is delivered with its bytes") {
  std::string broken = small_document(1, 10);
  broken[4] = 0x55;
  const Scratch scratch;
  CHECK(read_all(scratch.write("a.bson", broken), {}) == std::vector<std::string>{broken});
}

TEST_CASE("a file that shrinks while it is read is an error, not a crash") {
  const Scratch scratch;
  const std::string path = scratch.write("a.bson", concatenated(many(2000, 100)));
  const auto source = open_source(path, {});
  Arena arena;
  Batch batch(arena);
  batch.max_documents = 10;
  const auto cursor = source->open(source->split(1)[0]);
  REQUIRE(cursor->fill(batch));
  std::filesystem::resize_file(path, 100);
  CHECK_THAT(error_of([&] { cursor->fill(batch); }).what(), ContainsSubstring("shorter"));
}

}  // namespace lugger::test
