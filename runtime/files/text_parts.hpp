// What sources of text files have in common: JSON and CSV.
#pragma once
#include <span>
#include <vector>

#include "files/file_sources.hpp"

namespace lugger {

/// Where a part of a text begins, and its first line.
struct TextPart {
  uint64_t begin = 0, line = 1;
};

/// What is known of the file without reading documents.
SourceInfo text_info(std::string kind, const Input& input, const CollectionName& name);
/// The partitions of a file of `size` bytes that is cut there; their specs say offset and line.
std::vector<Partition> text_partitions(std::span<const TextPart> parts, uint64_t size);

}  // namespace lugger
