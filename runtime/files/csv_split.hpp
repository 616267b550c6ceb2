// Finds the places where a file of CSV may be divided.
#pragma once
#include <vector>

#include "base/bytes.hpp"
#include "files/text_parts.hpp"
#include "value/csv_reader.hpp"

namespace lugger {

/// At most `count` parts that begin at a record, the last one of at least `least` bytes. `records`:
/// where the first record begins, and its line; the first part begins with the file.
///
/// A line end outside of quotes ends a record, and only what precedes it tells which those are. So
/// the file is gone through from its beginning, as CsvReader does, but from quote to quote: outside
/// of quotes a field begins behind each delimiter and each line end, so the byte before a quote
/// tells whether it opens one.
std::vector<TextPart> csv_boundaries(Bytes file, CsvDialect dialect, TextPart records,
                                     uint64_t count, uint64_t least);

}  // namespace lugger
