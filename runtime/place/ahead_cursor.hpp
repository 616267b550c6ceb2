// A cursor that is asked ahead of whoever reads it.
#pragma once
#include <memory>

#include "place/source.hpp"

namespace lugger {

/// Gives what `cursor` gives, in its order, while a thread asks `cursor` for what follows: it waits
/// for its source while the reader is busy with its target. As long as more is at hand, some MiB
/// are read ahead; what is not there yet is waited for when the reader asks. Nothing is read behind
/// a ddl() that was not passed. Positions, counts and notices are of what was given.
std::unique_ptr<Cursor> read_ahead(std::unique_ptr<Cursor> cursor);

}  // namespace lugger
