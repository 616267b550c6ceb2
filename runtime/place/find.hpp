// A cursor with a filter, a skip, a limit, and a sort that fits in memory.
#pragma once
#include <optional>

#include "place/source.hpp"

namespace lugger {

struct FindSpec {
  struct SortKey {
    std::vector<std::string> path;
    bool descending = false;
  };
  std::string filter;  // BSON; empty: every document
  std::vector<SortKey> sort;
  uint64_t skip = 0;
  std::optional<uint64_t> limit;
  size_t sort_bytes = size_t{64} << 20;  // a sort that needs more memory is an error
};

/// Reads `inner` only as far as necessary. Without a sort, the documents stay in inner's batches
/// and the position is inner's. Error{interrupted} when a stop is requested while it reads.
std::unique_ptr<Cursor> find_cursor(std::unique_ptr<Cursor> inner, const FindSpec& spec);

}  // namespace lugger
