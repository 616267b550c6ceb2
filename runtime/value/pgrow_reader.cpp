#include "value/pgrow_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/byte_order.hpp"

namespace lugger {

namespace {

struct KnownType {
  uint32_t oid;
  ValueType type;
};
// Scalars; their arrays follow. Sorted by OID.
constexpr KnownType kKnown[] = {
    {16, ValueType::kBool},       {17, ValueType::kBinary},    {18, ValueType::kString},
    {19, ValueType::kString},     {20, ValueType::kInt64},     {21, ValueType::kInt32},
    {23, ValueType::kInt32},      {25, ValueType::kString},    {26, ValueType::kInt64},
    {114, ValueType::kJson},      {199, ValueType::kPgArray},  {700, ValueType::kDouble},
    {701, ValueType::kDouble},    {1000, ValueType::kPgArray}, {1001, ValueType::kPgArray},
    {1005, ValueType::kPgArray},  {1007, ValueType::kPgArray}, {1009, ValueType::kPgArray},
    {1014, ValueType::kPgArray},  {1015, ValueType::kPgArray}, {1016, ValueType::kPgArray},
    {1021, ValueType::kPgArray},  {1022, ValueType::kPgArray}, {1042, ValueType::kString},
    {1043, ValueType::kString},   {1082, ValueType::kDay},     {1083, ValueType::kTime},
    {1114, ValueType::kMicros},   {1115, ValueType::kPgArray}, {1182, ValueType::kPgArray},
    {1183, ValueType::kPgArray},  {1184, ValueType::kMicros},  {1185, ValueType::kPgArray},
    {1186, ValueType::kInterval}, {1187, ValueType::kPgArray}, {1231, ValueType::kPgArray},
    {1560, ValueType::kBits},     {1561, ValueType::kPgArray}, {1562, ValueType::kBits},
    {1563, ValueType::kPgArray},  {1700, ValueType::kNumeric}, {2950, ValueType::kUuid},
    {2951, ValueType::kPgArray},  {3802, ValueType::kJson},    {3807, ValueType::kPgArray},
};

/// "extensions.vector(3)" -> "vector".
std::string_view bare_name(std::string_view name) noexcept {
  if (name.ends_with(')')) name = name.substr(0, name.rfind('('));
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// pgvector's {int16 dim, int16 0, elements} as host elements.
template <typename T>
bool read_vector(Bytes field, ValueType type, Arena& arena, Value& out) {
  if (field.size() < 4) return false;
  const size_t count = load_be<uint16_t>(field.data());
  if (field.size() != 4 + count * sizeof(T)) return false;
  uint8_t* data = arena.allocate(count * sizeof(T));
  swap_elements<T>(field.data() + 4, count, data);
  out = Value::of(type, Bytes(data, count * sizeof(T)));
  return true;
}

bool read_integer(Bytes field, Value& out, ValueType type, uint32_t oid) noexcept {
  switch (field.size()) {
    case 2: out = Value::of(type, load_be<int16_t>(field.data())); return true;
    case 4:
      out = Value::of(type, oid == 26 ? int64_t{load_be<uint32_t>(field.data())}
                                      : load_be<int32_t>(field.data()));
      return true;
    case 8: out = Value::of(type, load_be<int64_t>(field.data())); return true;
    default: return false;
  }
}

/// NaN is always the same one: LuaJIT keeps the types of its values in the other bits of a NaN.
bool read_double(Bytes field, Value& out) noexcept {
  const bool single = field.size() == sizeof(float);
  if (!single && field.size() != sizeof(double)) return false;
  const double number =
      single ? static_cast<double>(load_be<float>(field.data())) : load_be<double>(field.data());
  out = Value::of_double(std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number);
  if (single) out.aux = kSingle;
  return true;
}

bool read_bytes(Bytes field, ValueType type, size_t exact, Value& out) noexcept {
  if (exact != 0 && field.size() != exact) return false;
  out = Value::of(type, field);
  return true;
}

bool numeric_is_whole(Bytes field) noexcept {
  return field.size() >= 8 &&
         field.size() == 8 + 2 * static_cast<size_t>(load_be<uint16_t>(field.data()));
}

}  // namespace

ValueType pg_reads_as(uint32_t type_oid, std::string_view type_name) noexcept {
  const auto* found =
      std::lower_bound(std::begin(kKnown), std::end(kKnown), type_oid,
                       [](const KnownType& known, uint32_t oid) { return known.oid < oid; });
  if (found != std::end(kKnown) && found->oid == type_oid) return found->type;
  const std::string_view bare = bare_name(type_name);
  if (type_name.ends_with("]")) return ValueType::kPgText;
  if (bare == "vector") return ValueType::kVector;
  if (bare == "halfvec") return ValueType::kHalfVector;
  if (bare == "sparsevec") return ValueType::kSparseVector;
  return ValueType::kPgText;
}

bool read_pg_field(ValueType reads_as, uint32_t oid, Bytes field, Arena& arena, Value& out) {
  constexpr uint32_t kJsonb = 3802;
  switch (reads_as) {
    case ValueType::kBool:
      if (field.size() != 1) return false;
      out = Value::of(ValueType::kBool, field[0] != 0 ? 1 : 0);
      return true;
    case ValueType::kInt32:
    case ValueType::kInt64: return read_integer(field, out, reads_as, oid);
    case ValueType::kDouble: return read_double(field, out);
    case ValueType::kDay:
      if (field.size() != 4) return false;
      out = Value::of(reads_as, load_be<int32_t>(field.data()));
      return true;
    case ValueType::kTime:
    case ValueType::kMicros:
      if (field.size() != 8) return false;
      out = Value::of(reads_as, load_be<int64_t>(field.data()));
      return true;
    case ValueType::kNumeric: return numeric_is_whole(field) && read_bytes(field, reads_as, 0, out);
    case ValueType::kUuid:
    case ValueType::kInterval: return read_bytes(field, reads_as, 16, out);
    case ValueType::kJson:
      if (oid == kJsonb) {
        if (field.empty() || field[0] != 1) return false;
        field = field.subspan(1);
      }
      return read_bytes(field, reads_as, 0, out);
    case ValueType::kVector: return read_vector<float>(field, reads_as, arena, out);
    case ValueType::kHalfVector: return read_vector<uint16_t>(field, reads_as, arena, out);
    case ValueType::kSparseVector:
    case ValueType::kPgArray: return field.size() >= 12 && read_bytes(field, reads_as, 0, out);
    case ValueType::kBits:
      return field.size() >= 4 &&
             field.size() == 4 + (size_t{load_be<uint32_t>(field.data())} + 7) / 8 &&
             read_bytes(field, reads_as, 0, out);
    default: return read_bytes(field, reads_as, 0, out);
  }
}

PgArrayReader::PgArrayReader(Bytes array) noexcept {
  if (array.size() < 12) {
    malformed_ = true;
    return;
  }
  const auto dimensions = load_be<int32_t>(array.data());
  oid_ = load_be<uint32_t>(array.data() + 8);
  at_ = array.data() + 12;
  end_ = array.data() + array.size();
  reads_as_ = pg_reads_as(oid_, "");
  dimensions_ = dimensions;
  if (dimensions < 0 || dimensions > 6 || array.size() < 12 + 8 * static_cast<size_t>(dimensions)) {
    malformed_ = true;
    dimensions_ = 0;
    return;
  }
  uint64_t count = dimensions == 0 ? 0 : 1;
  for (int i = 0; i < dimensions; ++i, at_ += 8) {
    const uint64_t size = load_be<uint32_t>(at_);
    if (size != 0 && count > array.size() / size) malformed_ = true;
    count *= size;
  }
  left_ = malformed_ ? 0 : count;
}

bool PgArrayReader::next(Arena& arena) {
  if (left_ == 0) return false;
  --left_;
  malformed_ = true;
  if (end_ - at_ < 4) return false;
  const auto size = load_be<int32_t>(at_);
  at_ += 4;
  if (size == -1) {
    value_ = Value::null();
  } else {
    if (size < 0 || end_ - at_ < size) return false;
    if (!read_pg_field(reads_as_, oid_, Bytes(at_, static_cast<size_t>(size)), arena, value_))
      return false;
    at_ += size;
  }
  malformed_ = false;
  return true;
}

PgRowReader::PgRowReader(const Document& document, Arena& arena) noexcept
    : document_(document), arena_(arena), at_(document.data), end_(document.data + document.size) {
  malformed_ = document.shape == nullptr || document.size < 2 ||
               static_cast<size_t>(load_be<uint16_t>(at_)) != document.shape->fields.size();
  if (!malformed_) at_ += 2;
}

bool PgRowReader::next() noexcept {
  if (malformed_) return false;
  ++index_;
  if (index_ >= document_.shape->fields.size()) {
    malformed_ = at_ != end_;
    return false;
  }
  malformed_ = true;
  if (end_ - at_ < 4) return false;
  const auto size = load_be<int32_t>(at_);
  at_ += 4;
  if (size == -1) {
    value_ = Value::null();
    value_.aux = kSqlNull;
    malformed_ = false;
    return true;
  }
  if (size < 0 || end_ - at_ < size) return false;
  const RowShape::Field& field = document_.shape->fields[index_];
  if (!read_pg_field(field.reads_as, field.type_oid, Bytes(at_, static_cast<size_t>(size)), arena_,
                     value_))
    return false;
  at_ += size;
  malformed_ = false;
  return true;
}

std::string_view PgRowReader::name() const noexcept { return document_.shape->fields[index_].name; }

}  // namespace lugger
