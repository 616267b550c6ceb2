// A cursor that gives only what was asked for: filter, skip, limit, and a sort that fits in memory.
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
  size_t sort_bytes = size_t{64} << 20;  // more than that at once is an error
};

/// Reads `inner` as far as it must. Without a sort the documents are those of the batch, and the
/// position is inner's. Error{interrupted} when it is asked to stop meanwhile.
std::unique_ptr<Cursor> find_cursor(std::unique_ptr<Cursor> inner, const FindSpec& spec);

}  // namespace lugger
