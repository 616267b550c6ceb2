#include "files/bson_chain.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "files/mapped_file.hpp"

namespace lugger {

Link check_link(const uint8_t* at, uint64_t left) noexcept {
  if (left < 4) return {static_cast<int32_t>(left), ChainFault::kCutPrefix};
  const auto found = load_le<int32_t>(at);
  if (found < static_cast<int32_t>(kMinBsonBytes) || found > static_cast<int32_t>(kMaxBsonBytes)) {
    return {found, ChainFault::kBadLength};
  }
  return {found,
          static_cast<uint64_t>(found) > left ? ChainFault::kCutDocument : ChainFault::kNone};
}

void raise_chain(std::string_view place, uint64_t offset, const Link& link, uint64_t left) {
  std::string message, hint = "the documents before it are whole; copy or dump the file again";
  switch (link.fault) {
    case ChainFault::kCutPrefix:
      message = fmt::format("{}: {} bytes are left at byte {}, too few for a document", place, left,
                            offset);
      break;
    case ChainFault::kCutDocument:
      message = fmt::format("{}: the document at byte {} is {} bytes long, but {} bytes are left",
                            place, offset, link.found, left);
      break;
    default:
      message = fmt::format("{}: {} at byte {} is not the length of a document ({} to {})", place,
                            link.found, offset, kMinBsonBytes, kMaxBsonBytes);
      hint = "the file is damaged there, or it is not BSON; " + hint;
  }
  Error error(Code::kRead, std::move(message), std::move(hint));
  throw error;
}

std::vector<uint64_t> bson_boundaries(Bytes file, int parts, uint64_t least) {
  // Each prefix is read only when the one before it is known. Where documents are small, whole
  // memory read ahead is faster than one cache miss after another; large ones are skipped.
  constexpr uint32_t kSmall = 1024;
  std::vector<uint64_t> begins{0};
  const uint64_t size = file.size();
  const uint64_t count = std::min<uint64_t>(static_cast<uint64_t>(std::max(parts, 1)),
                                            size / std::max<uint64_t>(least, 1));
  const uint64_t step = count > 0 ? size / count : size;
  uint64_t share = 1;
  for (uint64_t at = 0; share < count && at < size;) {
    if (at >= step * share) {
      if (at - begins.back() >= least && size - at >= least) begins.push_back(at);
      ++share;
      continue;
    }
    const Link link = check_link(file.data() + at, size - at);
    if (link.fault != ChainFault::kNone) break;
    if (link.size() <= kSmall) MappedFile::prefetch(file.data() + at, link.size());
    at += link.size();
  }
  return begins;
}

}  // namespace lugger
