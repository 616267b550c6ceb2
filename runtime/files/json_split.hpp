// Finds the places where a file of JSON documents may be divided.
#pragma once
#include <vector>

#include "base/bytes.hpp"
#include "files/text_parts.hpp"

namespace lugger {

/// Parts of at least `least` bytes that begin at a document.
///
/// A boundary is a line that begins with '{' where the line before it ends in '}' (white space
/// aside). Proof that no document is cut: JSON strings hold no raw newline, so at a newline no
/// string is open, and both braces are structure: the first closes an object, the second opens one.
/// Inside of an array or object a comma would have to stand between the two. So the newline lies
/// between two top-level documents, whatever their layout: one a line, or pretty. An array of
/// documents has no such place and stays one part. Text that is not JSON can have such a place
/// inside of a string; then the parts on both sides of it do not parse.
std::vector<TextPart> json_boundaries(Bytes file, int parts, uint64_t least);

}  // namespace lugger
