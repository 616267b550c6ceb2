#include "mongo/scan_query.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "value/bson_reader.hpp"

namespace lugger {

namespace {

/// Types that compare with each other. BSON's numbers; 0: none.
using Bracket = std::array<int32_t, 4>;
/// In the order of the manual, "Comparison/Sort Order"; arrays, patterns and undefined are no _id.
constexpr Bracket kBrackets[] = {
    {-1}, {10}, {1, 16, 18, 19}, {2, 14}, {3}, {5}, {7}, {8}, {9}, {17}, {12}, {13}, {15}, {127}};

size_t bracket_of(const Value& key) noexcept {
  const int32_t type = bson_type_of(key);
  const auto* found = std::ranges::find_if(
      kBrackets, [&](const Bracket& one) { return std::ranges::find(one, type) != one.end(); });
  return static_cast<size_t>(found - std::begin(kBrackets)) % std::size(kBrackets);
}

bool is_nan(const Value& value) noexcept {
  return value.type == ValueType::kDouble && std::isnan(value.f64);
}

}  // namespace

void add_where(MongoCommand& command, const ScanPlace& place) {
  if (place.where.empty()) return;
  command.begin_array("$and").push(Value::of(ValueType::kDocument, as_bytes(place.where))).end();
}

void add_read_concern(MongoCommand& command, const MongoDeployment& deployment, uint64_t time) {
  if (!deployment.replicated()) return;
  command.begin("readConcern").add("level", "majority");
  if (time != 0)
    command.add("afterClusterTime", Value::of(ValueType::kTimestamp, static_cast<int64_t>(time)));
  command.end();
}

int32_t bson_type_of(const Value& value) noexcept {
  switch (value.type) {
    case ValueType::kMinKey: return -1;
    case ValueType::kNull: return 10;
    case ValueType::kDouble: return 1;
    case ValueType::kInt32: return 16;
    case ValueType::kInt64: return 18;
    case ValueType::kDecimal: return 19;
    case ValueType::kString: return 2;
    case ValueType::kSymbol: return 14;
    case ValueType::kDocument: return 3;
    case ValueType::kBinary:
    case ValueType::kUuid: return 5;
    case ValueType::kObjectId: return 7;
    case ValueType::kBool: return 8;
    case ValueType::kDate: return 9;
    case ValueType::kTimestamp: return 17;
    case ValueType::kDbPointer: return 12;
    case ValueType::kCode: return 13;
    case ValueType::kCodeWithScope: return 15;
    case ValueType::kMaxKey: return 127;
    default: return 0;
  }
}

std::vector<int32_t> id_types() {
  std::vector<int32_t> out;
  for (const Bracket& bracket : kBrackets)
    std::ranges::copy_if(bracket, std::back_inserter(out), [](int32_t type) { return type != 0; });
  return out;
}

ScanQuery::ScanQuery(const ScanPlace& place, const ScanRange& range)
    : place_(place), range_(range) {
  if (place_.style == ScanStyle::kBounds) return;
  if (!range_.from.empty()) go_on_at(range_.from);
  if (known_types().empty()) advance();
}

void ScanQuery::go_on_at(const KeyDocument& key) {
  at_ = key;
  const Value id = bson_field(key, "_id");
  greatest_ = id.type == ValueType::kMaxKey;
  if (place_.style == ScanStyle::kBrackets) bracket_ = bracket_of(id);
}

MongoCommand ScanQuery::find(int32_t documents, uint64_t time) const {
  MongoCommand out("find", place_.collection.name);
  if (place_.style == ScanStyle::kBrackets) {
    add_bracket(out);
  } else if (greatest_) {
    out.begin("filter").add("_id", Value::of(ValueType::kMaxKey, 0));
    add_where(out, place_);
    out.end();
  } else {
    const KeyDocument& from = at_.empty() ? range_.from : at_;
    if (!from.empty()) out.add("min", Bytes(from));
    if (!range_.to.empty()) out.add("max", Bytes(range_.to));
    out.begin("hint").add("_id", 1).end().begin("filter");
    add_where(out, place_);
    out.end();
  }
  out.begin("sort").add("_id", 1).end().add("batchSize", documents);
  add_read_concern(out, place_.deployment, time);
  return out;
}

bool ScanQuery::in_last_bracket() const {
  return !range_.to.empty() && bracket_ == bracket_of(bson_field(range_.to, "_id"));
}

/// A comparison finds only keys of its own bracket, but one with MinKey or MaxKey finds any, and
/// each is alone in its bracket. NaN compares with nothing, and is the first of the numbers. Ranges
/// end at ObjectIds only.
void ScanQuery::add_bracket(MongoCommand& command) const {
  command.begin("filter").begin("_id");
  const Value key = at_.empty() ? Value() : bson_field(at_, "_id");
  const bool alone = key.type == ValueType::kMinKey || key.type == ValueType::kMaxKey;
  if (key.type == ValueType::kMissing || alone) {
    command.begin_array("$type");
    for (const int32_t type : known_types()) command.push(Value::of(ValueType::kInt32, type));
    command.end();
  } else if (is_nan(key)) {
    command.add("$gte", Value::of_double(-std::numeric_limits<double>::infinity()));
  } else {
    command.add("$gte", key);
  }
  if (in_last_bracket()) command.add("$lt", bson_field(range_.to, "_id"));
  command.end();
  add_where(command, place_);
  command.end();
}

std::vector<int32_t> ScanQuery::known_types() const {
  std::vector<int32_t> out;
  std::ranges::copy_if(kBrackets[bracket_], std::back_inserter(out), [&](int32_t type) {
    return type != 0 && std::ranges::find(place_.types, type) != place_.types.end();
  });
  return out;
}

bool ScanQuery::advance() {
  if (place_.style == ScanStyle::kBounds) {
    const bool bounded = !range_.from.empty() || !at_.empty();
    if (greatest_ || !bounded || !range_.to.empty()) return false;
    return greatest_ = true;
  }
  at_.clear();
  while (!in_last_bracket() && bracket_ + 1 < std::size(kBrackets)) {
    ++bracket_;
    if (!known_types().empty()) return true;
  }
  return false;
}

}  // namespace lugger
