#include "files/text_parts.hpp"

#include "base/error.hpp"

namespace lugger {

SourceInfo text_info(std::string kind, const Input& input, const CollectionName& name) {
  SourceInfo out;
  out.kind = std::move(kind);
  out.place = input.shown();
  out.database = name.database;
  out.collection = name.collection;
  out.identity = input.identity().text();
  out.bytes = input.bytes();
  out.compressed = input.gzip();
  out.warnings = name.warnings;
  return out;
}

std::vector<Partition> text_partitions(std::span<const TextPart> parts, uint64_t size) {
  if (parts.size() == 1) return {Partition{"0", "", size}};
  std::vector<Partition> out;
  for (size_t i = 0; i < parts.size(); ++i) {
    const uint64_t end = i + 1 < parts.size() ? parts[i + 1].begin : size;
    out.push_back({std::to_string(i),
                   fmt::format("offset:{}-{} line:{}", parts[i].begin, end, parts[i].line),
                   end - parts[i].begin});
  }
  return out;
}

std::optional<TextPart> resumed_at(const Position& after, const std::string& place) {
  if (after.empty()) return std::nullopt;
  return TextPart{position_number(after, "offset", place), position_number(after, "line", place)};
}

}  // namespace lugger
