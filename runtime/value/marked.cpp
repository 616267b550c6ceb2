#include "value/marked.hpp"

#include <algorithm>
#include <array>

#include "value/datetime.hpp"

namespace lugger {

namespace {

constexpr std::string_view kMark = "lugger ";
constexpr std::array kTypes = {
    ValueType::kNumeric,    ValueType::kMicros,       ValueType::kDay,
    ValueType::kTime,       ValueType::kInterval,     ValueType::kVector,
    ValueType::kHalfVector, ValueType::kSparseVector, ValueType::kBits,
};

bool holds_number(ValueType type) noexcept {
  return type == ValueType::kMicros || type == ValueType::kDay || type == ValueType::kTime;
}

/// What PostgreSQL can hold: a dump from elsewhere may have such bytes too.
bool in_range(ValueType type, int64_t number) noexcept {
  if (type == ValueType::kTime) return number >= 0 && number <= kMicrosPerDay;
  if (type == ValueType::kDay)
    return (number >= kMinDay && number <= kMaxDay) || number == INT32_MAX || number == INT32_MIN;
  return (number >= kMinMicros && number < kEndMicros) || number == kInfinityMicros ||
         number == kMinusInfinityMicros;
}

/// As PostgreSQL sends it: the number of groups, the place of the first, sign, decimals, groups.
bool is_numeric(Bytes bytes) noexcept {
  constexpr int kMostDecimals = 16383, kLeastWeight = -(kMostDecimals + 1) / 4;
  if (bytes.size() < 8) return false;
  const size_t groups = load_be<uint16_t>(bytes.data());
  if (bytes.size() != 8 + 2 * groups) return false;
  const auto sign = load_be<uint16_t>(bytes.data() + 4);
  if (sign == 0xC000 || sign == 0xD000 || sign == 0xF000) return groups == 0;
  if (sign != 0 && sign != 0x4000) return false;
  if (load_be<int16_t>(bytes.data() + 2) < kLeastWeight ||
      load_be<uint16_t>(bytes.data() + 6) > kMostDecimals)
    return false;
  for (size_t i = 0; i < groups; ++i)
    if (load_be<uint16_t>(bytes.data() + 8 + 2 * i) > 9999) return false;
  return true;
}

/// As pgvector sends it: dimensions, the number of elements, their rising places, the elements.
bool is_sparse_vector(Bytes bytes) noexcept {
  if (bytes.size() < 12) return false;
  const auto dimensions = load_be<uint32_t>(bytes.data());
  const size_t count = load_be<uint32_t>(bytes.data() + 4);
  if (bytes.size() != 12 + 8 * count || load_be<uint32_t>(bytes.data() + 8) != 0) return false;
  uint32_t least = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto place = load_be<uint32_t>(bytes.data() + 12 + 4 * i);
    if (place < least || place >= dimensions) return false;
    least = place + 1;
  }
  return true;
}

bool is_whole(ValueType type, Bytes bytes) noexcept {
  const size_t size = bytes.size();
  switch (type) {
    case ValueType::kNumeric: return is_numeric(bytes);
    case ValueType::kInterval: return size == 16;
    case ValueType::kVector: return size > 0 && size % 4 == 0;
    case ValueType::kHalfVector: return size > 0 && size % 2 == 0;
    case ValueType::kSparseVector: return is_sparse_vector(bytes);
    case ValueType::kBits:
      return size >= 4 && size == 4 + (size_t{load_be<uint32_t>(bytes.data())} + 7) / 8;
    default: return size == 8 && in_range(type, load_le<int64_t>(bytes.data()));
  }
}

}  // namespace

bool is_marked_type(ValueType type) noexcept {
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

void append_marked(const Value& value, ByteBuffer& out) {
  const std::string_view word = type_word(value.type);
  const size_t size = holds_number(value.type) ? sizeof value.i64 : value.size;
  out.append_le(static_cast<int32_t>(kMark.size() + word.size() + 1 + size));
  out.push(kMarkedSubtype);
  out.append(kMark);
  out.append(word);
  out.push(0);
  holds_number(value.type) ? out.append_le(value.i64) : out.append(value.bytes());
}

Value marked_value(Bytes binary) noexcept {
  const std::string_view text = as_text(binary);
  if (!text.starts_with(kMark)) return {};
  const size_t end = text.find('\0', kMark.size());
  if (end == text.npos) return {};
  const std::string_view word = text.substr(kMark.size(), end - kMark.size());
  for (const ValueType type : kTypes) {
    if (word != type_word(type)) continue;
    const Bytes held = binary.subspan(end + 1);
    if (!is_whole(type, held)) return {};
    return holds_number(type) ? Value::of(type, load_le<int64_t>(held.data()))
                              : Value::of(type, held);
  }
  return {};
}

}  // namespace lugger
