// A change to one document, as an oplog tells it. Change streams have StreamEvent.
#pragma once
#include <string_view>

#include "value/value.hpp"

namespace lugger {

/// kInsert, kReplace: the body is the whole document. kUpdate: the body is what apply_update()
/// takes. kDelete: there is none.
enum class ChangeKind : uint8_t { kInsert, kReplace, kUpdate, kDelete };

/// Borrowed from what it was read from.
struct Change {
  ChangeKind kind = ChangeKind::kInsert;
  std::string_view ns;  // "database.collection"
  Value id;             // of the document
  Bytes body;
  uint64_t time = 0;   // as BSON has a timestamp: seconds << 32 | increment
  uint64_t entry = 0;  // where it stands, counted from 1
};

}  // namespace lugger
