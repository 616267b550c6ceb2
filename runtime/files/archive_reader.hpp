// mongodump --archive: a prelude that lists the collections, then their documents in interleaved
// blocks.
#pragma once
#include <string>
#include <vector>

#include "files/bson_chain.hpp"
#include "files/byte_stream.hpp"

namespace lugger {

struct ArchiveCollection {
  std::string database, collection;
  std::string metadata_json;
  std::string type;  // "collection", "view", "timeseries"
};

/// Reads one collection of an archive. All faults are Error{read} naming the offset in the archive
/// (after inflating).
///   ArchiveReader archive(stream, "dump.archive");      // reads the prelude
///   archive.select("shop", "users");
///   while (uint32_t size = archive.next()) archive.read(memory_of(size));
/// The end comes only once the collection's closing block was seen and its CRC-64 proved right;
/// what follows that block belongs to other collections and is not read. The end of the stream
/// before it is an archive cut short.
class ArchiveReader {
 public:
  ArchiveReader(std::unique_ptr<ByteStream> stream, std::string place);

  const std::vector<ArchiveCollection>& collections() const noexcept { return collections_; }
  const std::string& server_version() const noexcept { return server_version_; }

  void select(std::string database, std::string collection);
  /// The oplog, which the prelude does not list: next() is 0 too when there is none.
  void select_oplog();
  /// Size of the next document of the selected collection; 0: that was all. read() must follow each
  /// size.
  uint32_t next();
  void read(uint8_t* to);
  uint64_t taken() const noexcept { return reader_.taken(); }

 private:
  struct Length {
    int32_t found = 0;
    bool terminator = false, end = false;
  };
  Length length(std::string_view what, bool may_end);
  Bytes read_rest(uint32_t size);
  Bytes read_document(std::string_view what, const Length& length);
  void read_prelude();
  void begin_block(const Length& length);
  void close_collection(int64_t crc);
  [[noreturn]] void fail(std::string message, std::string hint = {}) const;

  ByteReader reader_;
  std::string place_;
  std::vector<ArchiveCollection> collections_;
  std::string server_version_, database_, collection_;
  ByteBuffer scratch_;
  uint8_t prefix_[4] = {};
  uint64_t at_ = 0;  // where the length under way stands
  uint64_t crc_ = 0;
  uint32_t size_ = 0;
  bool in_block_ = false, chosen_ = false, closed_ = false;
  bool may_miss_ = false;  // what was selected need not be there
};

}  // namespace lugger
