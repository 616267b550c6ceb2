// A document with some of its values changed; all others keep their bytes, types and order.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "value/value.hpp"

namespace lugger {

/// What becomes of the value at a path.
struct Edit {
  std::vector<std::string> path;  // as split_path gives it; elements of arrays count from 0
  Value value;                    // missing: removed
  /// The script gave a number of no particular type: it takes the type of the number it replaces.
  bool plain_number = false;
  /// The script gave {}: it is an empty array where it replaces an array.
  bool plain_empty = false;
};

/// Appends the document (or array) with the edits. New fields come last, in the order of the edits;
/// documents on the way to them are made. What is removed from an array closes the gap. Error when
/// two paths meet, a path leads through a value that has no fields, or an element would leave a
/// gap.
void append_patched(Bytes document, bool array, std::span<const Edit> edits, ByteBuffer& out);

}  // namespace lugger
