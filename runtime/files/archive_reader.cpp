#include "files/archive_reader.hpp"

#include <lzma.h>

#include "base/error.hpp"

namespace lugger {
namespace {

constexpr uint32_t kMagic = 0x8199E26D;
constexpr int32_t kTerminator = -1;
constexpr size_t kMaxCollections = 1'000'000;

std::string_view text_field(Bytes document, std::string_view name) {
  const Value value = bson_field(document, name);
  return value.type == ValueType::kString ? value.text() : std::string_view();
}

bool same(Bytes document, std::string_view name, std::string_view wanted) {
  const Value value = bson_field(document, name);
  return value.type == ValueType::kString && value.text() == wanted;
}

}  // namespace

ArchiveReader::ArchiveReader(std::unique_ptr<ByteStream> stream, std::string place)
    : reader_(std::move(stream)), place_(std::move(place)) {
  if (reader_.read(prefix_, 4) != 4 || load_le<uint32_t>(prefix_) != kMagic) {
    fail("does not begin as an archive of mongodump does");
  }
  read_prelude();
}

void ArchiveReader::fail(std::string message, std::string hint) const {
  if (hint.empty()) hint = "the archive is damaged or cut short: copy or dump it again";
  throw Error(Code::kRead, fmt::format("{}: {}", place_, message), std::move(hint))
      .note("offset", std::to_string(at_));
}

// may_end: the archive may end here, so that missing data is not an error.
ArchiveReader::Length ArchiveReader::length(std::string_view what, bool may_end) {
  at_ = reader_.offset();
  const size_t got = reader_.read(prefix_, sizeof prefix_);
  if (got == 0 && may_end) return {0, false, true};
  if (got != sizeof prefix_) fail(fmt::format("the archive is cut short where {} should be", what));
  const Length out{load_le<int32_t>(prefix_), load_le<int32_t>(prefix_) == kTerminator, false};
  if (!out.terminator && check_link(prefix_, kMaxBsonBytes).fault != ChainFault::kNone) {
    fail(fmt::format("{} is neither the length of a document nor a terminator", out.found));
  }
  return out;
}

Bytes ArchiveReader::read_rest(uint32_t size) {
  scratch_.clear();
  uint8_t* to = scratch_.room(size);
  std::memcpy(to, prefix_, sizeof prefix_);
  if (reader_.read(to + 4, size - 4) != size - 4)
    fail("the archive is cut short inside of a document");
  scratch_.advance(size);
  return scratch_.view();
}

// Reads the archive's own documents (never a collection's), which must be valid BSON.
Bytes ArchiveReader::read_document(std::string_view what, const Length& length) {
  const Bytes document = read_rest(static_cast<uint32_t>(length.found));
  const BsonFault fault = validate_bson(document);
  if (fault != BsonFault::kNone)
    fail(fmt::format("{} is not valid BSON: {}", what, fault_text(fault)));
  return document;
}

void ArchiveReader::read_prelude() {
  const Length first = length("the header", false);
  if (first.terminator) fail("a terminator stands where the header should be");
  server_version_ = text_field(read_document("the header", first), "server_version");
  for (;;) {
    const Length next = length("the list of collections", false);
    if (next.terminator) return;
    if (collections_.size() == kMaxCollections) fail("the list of collections does not end");
    const Bytes document = read_document("an entry of the list of collections", next);
    ArchiveCollection& entry = collections_.emplace_back();
    entry.database = text_field(document, "db");
    entry.collection = text_field(document, "collection");
    entry.metadata_json = text_field(document, "metadata");
    entry.type = text_field(document, "type");
    if (entry.type.empty()) entry.type = "collection";
    if (entry.collection.empty()) fail("an entry of the list of collections has no name");
  }
}

void ArchiveReader::select(std::string database, std::string collection) {
  database_ = std::move(database);
  collection_ = std::move(collection);
}

void ArchiveReader::select_oplog() {
  select({}, "oplog");
  may_miss_ = true;
}

void ArchiveReader::begin_block(const Length& header) {
  if (header.terminator) fail("two terminators stand one after the other");
  const Bytes document = read_document("the header of a block", header);
  chosen_ = same(document, "db", database_) && same(document, "collection", collection_);
  may_miss_ = may_miss_ && !chosen_;
  const Value end = bson_field(document, "EOF");
  const Value crc = bson_field(document, "CRC");
  if (end.type != ValueType::kBool || crc.type != ValueType::kInt64)
    fail("the header of a block lacks EOF or CRC");
  in_block_ = true;
  if (end.i64 == 0) return;
  if (!length("the terminator of a closing block", false).terminator)
    fail("a closing block holds documents");
  in_block_ = false;
  if (chosen_) close_collection(crc.i64);
}

void ArchiveReader::close_collection(int64_t crc) {
  closed_ = true;
  if (static_cast<uint64_t>(crc) == crc_) return;
  fail(fmt::format("the documents of {}.{} have the checksum {:016x}, but the archive says {:016x}",
                   database_, collection_, crc_, static_cast<uint64_t>(crc)),
       "the documents are not those that mongodump wrote: copy or dump the archive again");
}

uint32_t ArchiveReader::next() {
  while (!closed_) {
    if (!in_block_) {
      const Length header = length("the header of a block", true);
      if (header.end && may_miss_) return 0;
      if (header.end) {
        fail(fmt::format("the archive ends before {}.{} is complete", database_, collection_));
      }
      begin_block(header);
      continue;
    }
    const Length document = length("a document or the end of a block", false);
    if (document.terminator) {
      in_block_ = false;
      continue;
    }
    size_ = static_cast<uint32_t>(document.found);
    if (chosen_) return size_;
    if (reader_.skip(size_ - 4) != size_ - 4) fail("the archive is cut short inside of a document");
  }
  return 0;
}

void ArchiveReader::read(uint8_t* to) {
  std::memcpy(to, prefix_, sizeof prefix_);
  if (reader_.read(to + 4, size_ - 4) != size_ - 4)
    fail("the archive is cut short inside of a document");
  crc_ = lzma_crc64(to, size_, crc_);
}

}  // namespace lugger
