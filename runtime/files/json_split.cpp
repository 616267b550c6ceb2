#include "files/json_split.hpp"

#include <algorithm>

#include "base/lines.hpp"

namespace lugger {
namespace {

bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// How far to search for a boundary; a file without one in this range hardly has one document a
// line.
constexpr uint64_t kSearch = uint64_t{64} << 20;

/// The first boundary behind a newline at or behind `from`; the file's size when there is none
/// near.
uint64_t find_boundary(Bytes file, uint64_t from) {
  const uint64_t stop = std::min<uint64_t>(file.size(), from + kSearch);
  while (from < stop) {
    const void* newline = std::memchr(file.data() + from, '\n', stop - from);
    if (newline == nullptr) break;
    const auto at = static_cast<uint64_t>(static_cast<const uint8_t*>(newline) - file.data());
    uint64_t before = at, after = at + 1;
    while (before > 0 && is_space(file[before - 1])) --before;
    while (after < file.size() && is_space(file[after])) ++after;
    if (before > 0 && file[before - 1] == '}' && after < file.size() && file[after] == '{')
      return at + 1;
    from = after;
  }
  return file.size();
}

}  // namespace

std::vector<TextPart> json_boundaries(Bytes file, int parts, uint64_t least) {
  std::vector<TextPart> out{TextPart{}};
  const uint64_t size = file.size();
  const uint64_t count = std::min<uint64_t>(static_cast<uint64_t>(std::max(parts, 1)),
                                            size / std::max<uint64_t>(least, 1));
  for (uint64_t share = 1; share < count; ++share) {
    const uint64_t begin = find_boundary(file, size / count * share - 1);
    if (begin - out.back().begin < least || size - begin < least) continue;
    const uint64_t line =
        out.back().line +
        count_lines(as_text(file.subspan(out.back().begin, begin - out.back().begin)));
    out.push_back({begin, line});
  }
  return out;
}

}  // namespace lugger
