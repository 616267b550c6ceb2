// The records of one namespace in the order of their ids: a page of ids is listed, and fetched in
// groups.
#pragma once
#include <atomic>
#include <memory>

#include "pinecone/record_reader.hpp"
#include "pinecone/server.hpp"
#include "place/source.hpp"

namespace lugger {

/// What the cursors of a run count together.
struct PineconeReads {
  std::atomic<uint64_t> units = 0;  // read units
  std::atomic<uint64_t> gone = 0;   // ids that were listed, and had no record any more
};

struct PineconeOpening {
  std::shared_ptr<HttpEndpoint> data;
  PineconeIndex index;
  PineconeIds ids{false};
  std::string name_space;
  std::shared_ptr<PineconeReads> reads;  // nullptr: nobody counts
};

/// `after` is a position of such a cursor: the token of the page under way, and the last id. When the
/// token has grown old, ids are listed from the first one, and those up to the last are passed over.
std::unique_ptr<Cursor> open_records(const PineconeOpening& opening, const Position& after);

/// Fetches ids in groups that fit a request.
class RecordFetcher {
 public:
  explicit RecordFetcher(const PineconeOpening& opening);

  PineconeData& data() noexcept { return data_; }
  /// Fetches from `from` on, as many as fit a request; returns where the next request begins. The
  /// records are in the reader then.
  size_t fetch(std::span<const std::string> ids, size_t from);
  const RecordReader& reader() const noexcept { return reader_; }

 private:
  void ask_again(std::span<const std::string> ids);
  size_t group_end(std::span<const std::string> ids, size_t from) const;

  const std::string name_space_;
  const bool by_url_;
  PineconeData data_;
  RecordReader reader_;
  std::vector<std::string> missing_;
  size_t most_;  // ids of a request
};

}  // namespace lugger
