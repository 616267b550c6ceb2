// Reads the elements of a vector, one by one, from any value that can be read as a vector.
#pragma once
#include <charconv>
#include <cmath>
#include <span>
#include <vector>

#include "value/bson_reader.hpp"
#include "value/decimal.hpp"
#include "value/pgrow_reader.hpp"
#include "vector/half.hpp"

namespace lugger {

inline constexpr uint16_t kVectorBinary = 9;  // BSON subtype
inline constexpr uint8_t kPackedInt8 = 0x03, kPackedFloat = 0x27,
                         kPackedBits = 0x10;  // its dtypes

/// Why a value is not a vector. kStopped: the sink wanted no more elements.
enum class VectorFault : uint8_t {
  kNone,
  kWrongType,
  kMalformed,
  kSyntax,
  kDimensions,
  kBadElement,
  kStopped
};

inline void skip_spaces(std::string_view& text) noexcept {
  while (!text.empty() && (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r')))
    text.remove_prefix(1);
}

/// Parses "-1.5e3" or "+2", rounded once, as pgvector reads elements. A number too small for a
/// float gives 0, one too large gives the largest double.
bool take_float(std::string_view& text, double& out);

/// Reads a number as a double. `digits` is reused memory.
bool read_number(const Value& in, DecimalDigits& digits, double& out);
/// Reads a number as an element: a double is unchanged, any other number is rounded once, to a
/// float.
bool read_element(const Value& in, DecimalDigits& digits, double& out);

/// Reads MongoDB's packed vector: dtype, padding, little-endian elements.
template <typename Sink>
VectorFault each_packed(Bytes packed, Sink&& sink) {
  if (packed.size() < 2 || packed[1] > 7) return VectorFault::kMalformed;
  const uint8_t dtype = packed[0], padding = packed[1];
  const Bytes data = packed.subspan(2);
  if (dtype != kPackedBits && padding != 0) return VectorFault::kMalformed;
  bool more = true;
  if (dtype == kPackedInt8) {
    for (size_t i = 0; i < data.size() && more; ++i)
      more = sink(static_cast<double>(static_cast<int8_t>(data[i])));
  } else if (dtype == kPackedFloat) {
    if (data.size() % 4 != 0) return VectorFault::kMalformed;
    for (size_t i = 0; i < data.size() && more; i += 4)
      more = sink(static_cast<double>(load_le<float>(data.data() + i)));
  } else if (dtype == kPackedBits) {
    if (data.empty() && padding != 0) return VectorFault::kMalformed;
    for (size_t i = 0; i < 8 * data.size() - padding && more; ++i)
      more = sink((data[i / 8] >> (7 - i % 8) & 1) != 0 ? 1.0 : 0.0);
  } else {
    return VectorFault::kWrongType;
  }
  return more ? VectorFault::kNone : VectorFault::kStopped;
}

/// Reads "[1,-2,0.5]", which may be JSON text.
template <typename Sink>
VectorFault each_in_text(std::string_view text, Sink&& sink) {
  skip_spaces(text);
  if (text.empty() || text[0] != '[') return VectorFault::kSyntax;
  do {
    text.remove_prefix(1);
    skip_spaces(text);
    double value = 0;
    if (!take_float(text, value)) return VectorFault::kSyntax;
    if (!sink(value)) return VectorFault::kStopped;
    skip_spaces(text);
  } while (!text.empty() && text[0] == ',');
  if (text.empty() || text[0] != ']') return VectorFault::kSyntax;
  text.remove_prefix(1);
  skip_spaces(text);
  return text.empty() ? VectorFault::kNone : VectorFault::kSyntax;
}

/// As many elements as pgvector's dense types hold, and as a search looks at.
inline constexpr uint32_t kMostDense = 16000, kMostSearched = 100000;

/// Reads pgvector's binary sparsevec, including its zeros.
template <typename Sink>
VectorFault each_in_sparse(Bytes sparse, uint32_t most, Sink&& sink) {
  if (sparse.size() < 12) return VectorFault::kMalformed;
  const auto dimensions = load_be<uint32_t>(sparse.data()),
             count = load_be<uint32_t>(sparse.data() + 4);
  if (dimensions > most) return VectorFault::kDimensions;
  if (sparse.size() != 12 + 8 * size_t{count}) return VectorFault::kMalformed;
  uint32_t at = 0;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const bool here = at < count && load_be<uint32_t>(sparse.data() + 12 + 4 * size_t{at}) == i;
    const double value =
        here ? static_cast<double>(load_be<float>(sparse.data() + 12 + 4 * (size_t{count} + at)))
             : 0.0;
    if (here) ++at;
    if (!sink(value)) return VectorFault::kStopped;
  }
  return at == count ? VectorFault::kNone : VectorFault::kMalformed;
}

template <typename Reader, typename Next, typename Sink>
VectorFault each_element(Reader& reader, DecimalDigits& digits, Next&& next, Sink&& sink) {
  while (next()) {
    double value = 0;
    if (!read_element(reader.value(), digits, value)) return VectorFault::kBadElement;
    if (!sink(value)) return VectorFault::kStopped;
  }
  return VectorFault::kNone;
}

/// Calls sink(double) -> bool for each element of a value that can be read as a vector; false
/// stops. Text is read only where the caller allows it. The arena holds elements of PostgreSQL
/// arrays that are converted to host byte order.
template <typename Sink>
VectorFault each_number(const Value& in, bool text_too, DecimalDigits& digits, Arena& arena,
                        Sink&& sink) {
  VectorFault fault = VectorFault::kNone;
  switch (in.type) {
    case ValueType::kArray: {
      BsonReader reader(in.bytes());
      fault = each_element(
          reader, digits, [&] { return reader.next(); }, sink);
      const bool whole = reader.fault() == BsonFault::kNone;
      return fault == VectorFault::kNone && !whole ? VectorFault::kMalformed : fault;
    }
    case ValueType::kPgArray: {
      PgArrayReader reader(in.bytes());
      if (reader.dimensions() > 1) return VectorFault::kDimensions;
      fault = each_element(
          reader, digits, [&] { return reader.next(arena); }, sink);
      return fault == VectorFault::kNone && reader.malformed() ? VectorFault::kMalformed : fault;
    }
    case ValueType::kBinary:
      return in.aux == kVectorBinary ? each_packed(in.bytes(), sink) : VectorFault::kWrongType;
    case ValueType::kVector:
      for (size_t i = 0; i < in.size; i += 4)
        if (!sink(static_cast<double>(load_le<float>(in.data + i)))) return VectorFault::kStopped;
      return VectorFault::kNone;
    case ValueType::kHalfVector:
      for (size_t i = 0; i < in.size; i += 2)
        if (!sink(double_from_half(load_le<uint16_t>(in.data + i)))) return VectorFault::kStopped;
      return VectorFault::kNone;
    case ValueType::kSparseVector: return each_in_sparse(in.bytes(), kMostDense, sink);
    case ValueType::kJson: return each_in_text(in.text(), sink);
    case ValueType::kString:
    case ValueType::kSymbol:
    case ValueType::kPgText:
      return text_too ? each_in_text(in.text(), sink) : VectorFault::kWrongType;
    default: return VectorFault::kWrongType;
  }
}

/// Reads the elements as floats: writes as many as fit into `out`, and sets `count` to their
/// number, which may be larger. NaN and infinities are kept; values outside a float's range become
/// infinite; bits are 1 and 0. A sparse vector has at most kMostSearched dimensions.
VectorFault read_floats(const Value& in, std::span<float> out, size_t& count);
/// The floats of a value in `room`, which grows as needed. False: it is no vector, or has no
/// elements.
bool take_floats(const Value& value, std::vector<float>& room, std::span<const float>& out);

}  // namespace lugger
