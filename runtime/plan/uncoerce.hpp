// Coercers turned around: a column's value as the BSON it came from, or what is nearest to it.
#pragma once
#include "base/arena.hpp"
#include "plan/column.hpp"
#include "plan/inverse.hpp"

namespace lugger {

/// The BSON value of a slot in the column's type; kMissing for SQL NULL. Its bytes lie in the slot
/// or in the arena. Error{parse}: json that is none.
Value uncoerce(const Column& column, const Value& slot, Arena& arena);

/// What uncoerce() makes of a column, whatever its values are.
struct Uncoerced {
  TypeSet taken;                   // types that the column reads
  TypeSet exact;                   // of those, what is the same again
  std::string as;                  // "a string"
  std::vector<std::string> notes;  // "white space around text is gone"
  std::string lost;                // why nothing comes back; empty: something does
};
Uncoerced describe_uncoerced(const Column& column);

}  // namespace lugger
