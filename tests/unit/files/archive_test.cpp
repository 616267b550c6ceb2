#include <lzma.h>

#include "files/archive_reader.hpp"
#include "files/gzip.hpp"
#include "memory_stream.hpp"
#include "reading.hpp"
#include "registry/registry.hpp"
#include "value/bson_writer.hpp"

namespace lugger::test {
namespace {

using Open = std::function<ArchiveReader()>;

/// Reads every collection, views included; the number of documents.
size_t read_archive(const Open& open) {
  size_t documents = 0;
  std::string to;
  const std::vector<ArchiveCollection> entries = open().collections();
  for (const ArchiveCollection& entry : entries) {
    ArchiveReader reader = open();
    reader.select(entry.database, entry.collection);
    for (uint32_t size = reader.next(); size != 0; size = reader.next()) {
      to.resize(size);
      reader.read(reinterpret_cast<uint8_t*>(to.data()));
      ++documents;
    }
  }
  return documents;
}
size_t read_archive(std::string_view bytes, size_t piece = 4096) {
  return read_archive([&] {
    return ArchiveReader(std::make_unique<MemoryStream>(as_bytes(bytes), piece), "memory");
  });
}

std::string bson(const std::function<void(BsonWriter&)>& write) {
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  write(writer);
  writer.end();
  return std::string(out.text());
}
Value text(std::string_view words) { return Value::of(ValueType::kString, words); }

const std::string kEnd = "\xFF\xFF\xFF\xFF", kMagic = "\x6D\xE2\x99\x81";

std::string block_header(const std::string& name, bool end, uint64_t crc) {
  return bson([&](BsonWriter& out) {
    out.append("db", text("d"));
    out.append("collection", text(name));
    out.append("EOF", Value::of(ValueType::kBool, int64_t{end}));
    out.append("CRC", Value::of(ValueType::kInt64, static_cast<int64_t>(crc)));
  });
}
std::string block(const std::string& name, const std::string& documents) {
  return block_header(name, false, 0) + documents + kEnd;
}
std::string closing(const std::string& name, const std::string& documents) {
  return block_header(name, true, lzma_crc64(as_bytes(documents).data(), documents.size(), 0)) +
         kEnd;
}
std::string prelude(const std::vector<std::string>& names) {
  std::string out =
      kMagic + bson([](BsonWriter& header) { header.append("version", text("0.1")); });
  for (const std::string& name : names) {
    out += bson([&](BsonWriter& entry) {
      entry.append("db", text("d"));
      entry.append("collection", text(name));
      entry.append("metadata", text("{}"));
    });
  }
  return out + kEnd;
}

}  // namespace

TEST_CASE("an archive gives every collection, its checksums proved, whatever the pieces") {
  const std::string whole = contents(data("shop.archive"));
  const size_t documents = read_archive(whole);
  CHECK(documents > 150);
  CHECK(read_archive(whole, 1) == documents);
  CHECK(read_archive(whole, 7) == documents);
}

TEST_CASE("interleaved blocks are told apart") {
  const std::string a = small_document(1, 50), b = small_document(2, 7), c = small_document(3);
  const std::string archive = prelude({"x", "y"}) + block("x", a) + block("y", b + c) +
                              block("x", b) + closing("y", b + c) + block("x", "") + block("x", c) +
                              closing("x", a + b + c);
  CHECK(read_archive(archive) == 5);
  const Scratch scratch;
  const std::string path = scratch.write("a.archive", archive);
  CHECK(read_all(path, collection("x")) == std::vector<std::string>{a, b, c});
  CHECK(read_all(path, collection("d.y")) == std::vector<std::string>{b, c});
  CHECK_THAT(error_of([&] { read_all(path, collection("oplog")); }).what(),
             ContainsSubstring("before .oplog is complete"));
}

TEST_CASE("a long archive is read through, plain and gzip, whatever the batch") {
  std::string all, other, archive = prelude({"x", "y"});
  for (int i = 0; i < 5000; ++i) {
    const std::string one = small_document(i, static_cast<size_t>(i % 400));
    all += one;
    other += one + one;
    archive += block("x", one) + block("y", one + one);
  }
  archive += closing("x", all) + closing("y", other);
  const Scratch scratch;
  for (const std::string& path :
       {scratch.write("a", archive), scratch.write("b", gzipped(archive))}) {
    INFO(path);
    const auto source = open_source(path, collection("y"));
    CHECK(read_all(*source, 4, 333).size() == 10000);
    const auto rest = read_part(*source, source->split(1)[0], "document:9000");
    CHECK(rest.size() == 1000);
    CHECK(rest.back() == small_document(4999, 4999 % 400));
    CHECK_THROWS_AS(source->open(source->split(1)[0], "document:10001"), Error);
  }
}

TEST_CASE("a wrong checksum is an error") {
  const std::string a = small_document(1, 50);
  CHECK_THAT(
      error_of([&] { read_archive(prelude({"x"}) + block("x", a) + closing("x", a + a)); }).what(),
      ContainsSubstring("checksum"));
  std::string changed = contents(data("shop.archive"));
  const size_t at = changed.rfind("User 0");
  REQUIRE(at != std::string::npos);
  changed[at] = 'B';
  CHECK_THAT(error_of([&] { read_archive(changed); }).what(), ContainsSubstring("checksum"));
}

TEST_CASE("malformed archives are errors") {
  const std::string a = small_document(1, 50);
  CHECK_THROWS_AS(read_archive("not an archive at all"), Error);
  CHECK_THROWS_AS(read_archive(prelude({"x"}) + kEnd), Error);
  CHECK_THROWS_AS(read_archive(prelude({"x"}) + block("x", a)), Error);
  CHECK_THROWS_AS(read_archive(prelude({"x"}) + block_header("x", true, 0) + a + kEnd), Error);
  CHECK_THROWS_AS(read_archive(prelude({"x"}) + a), Error);
  CHECK_THROWS_AS(read_archive(prelude({""})), Error);
  CHECK(read_archive(prelude({})) == 0);
}

TEST_CASE("every cut of an archive gives an error that names the offset") {
  const std::string whole = contents(data("shop.archive"));
  for (size_t size = 0; size < whole.size(); size += 97) {
    INFO(size);
    const Error error = error_of([&] { read_archive(std::string_view(whole).substr(0, size)); });
    CHECK(error.code() == Code::kRead);
    CHECK_THAT(error.what(), ContainsSubstring("offset"));
  }
  CHECK_THROWS_AS(read_archive(std::string_view(whole).substr(0, whole.size() - 1)), Error);
}

TEST_CASE("every cut of a gzip archive gives an error") {
  const std::string whole = contents(data("shop.archive.gz"));
  for (size_t size = 0; size < whole.size() - 20; size += 97) {
    INFO(size);
    const Open open = [&] {
      auto gzip = std::make_unique<GzipBytes>(
          std::make_unique<MemoryBytes>(as_bytes(whole).first(size)), "memory");
      return ArchiveReader(std::make_unique<ReadAheadStream>(std::move(gzip)), "memory");
    };
    CHECK(error_of([&] { read_archive(open); }).code() == Code::kRead);
  }
}

TEST_CASE("changed bytes never crash the reader") {
  const std::string whole = contents(data("shop.archive"));
  for (size_t at = 0; at < whole.size(); at += 89) {
    std::string changed = whole;
    changed[at] = static_cast<char>(~changed[at]);
    try {
      read_archive(changed);
    } catch (const Error& error) {
      CHECK(error.code() == Code::kRead);
    }
  }
}

}  // namespace lugger::test
