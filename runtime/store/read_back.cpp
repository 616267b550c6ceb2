#include "store/read_back.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "value/datetime.hpp"

namespace lugger {

Value ReadBack::operator()(size_t column, const Value& in) {
  if (in.absent()) return Value::null();
  Value out;
  const Failure failure = coercers_[column](in, out, arena_);
  if (failure == Failure::kNone) return out;
  const std::string words = describe_failure(failure, in, columns_[column].type.sql);
  return Value::of(ValueType::kPgText, arena_.copy("unreadable: " + words));
}

bool each_document(Cursor& cursor, const std::function<bool(Bytes)>& use) {
  Arena arena;
  Batch batch(arena);
  while (cursor.fill(batch, *StopScope::current().stop)) {
    for (const Document& document : batch.documents) {
      if (!use(Bytes(document.data, document.size))) return false;
    }
    batch.clear();
    arena.reset();
  }
  return true;
}

MovingSnapshot::MovingSnapshot(int readers, const std::function<std::unique_ptr<RowReader>()>& make)
    : position_("read from " + timestamp_text(*micros_from_unix_us(unix_micros_now()))) {
  for (int i = 0; i < std::max(readers, 1); ++i) readers_.push_back(make());
}

}  // namespace lugger
