#include "plan/failure.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_order.hpp"
#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"

namespace lugger {

namespace {

constexpr size_t kExcerpt = 60;

std::string shown(const Value& value) {
  switch (value.type) {
    case ValueType::kMissing: return "a missing field";
    case ValueType::kString:
    case ValueType::kPgText: return quoted_excerpt(value.text(), kExcerpt);
    case ValueType::kSymbol:
    case ValueType::kCode:
      return fmt::format("{} {}", type_word(value.type), quoted_excerpt(value.text(), kExcerpt));
    case ValueType::kBinary:
      return fmt::format("binary of {} bytes (subtype {})", value.size, value.aux);
    case ValueType::kVector:
    case ValueType::kHalfVector:
    case ValueType::kSparseVector:
    case ValueType::kBits:
    case ValueType::kPgArray:
      return fmt::format("a {} of {} bytes", type_word(value.type), value.size);
    default: break;
  }
  std::string json = value_json(value);
  if (json.size() > kExcerpt) {
    size_t end = kExcerpt;
    while (end > 0 && (json[end] & 0xC0) == 0x80) --end;
    json.resize(end);
    json += "...";
  }
  return value.type == ValueType::kDocument || value.type == ValueType::kArray ||
                 value.type == ValueType::kNull
             ? json
             : fmt::format("{} {}", type_word(value.type), json);
}

uint64_t elements_of(Bytes array) {
  uint64_t out = 0;
  for (BsonReader reader(array); reader.next(); ++out)
    if (reader.value().type == ValueType::kArray) return 0;  // a list of vectors
  return out;
}

/// Of a vector; 0: it is none, or not known.
uint64_t dimensions_of(const Value& value) {
  switch (value.type) {
    case ValueType::kVector: return value.size / 4;
    case ValueType::kHalfVector: return value.size / 2;
    case ValueType::kSparseVector:
    case ValueType::kBits: return value.size < 4 ? 0 : load_be<uint32_t>(value.data);
    case ValueType::kArray: return elements_of(value.bytes());
    case ValueType::kString:
    case ValueType::kPgText: {
      const std::string_view text = value.text();
      if (!text.starts_with('[') || text.find_first_of("0123456789") == text.npos) return 0;
      return 1 + static_cast<uint64_t>(std::ranges::count(text, ','));
    }
    default: return 0;
  }
}

}  // namespace

std::string_view failure_code(Failure failure) noexcept {
  switch (failure) {
#define LUGGER_X(name, code, text) \
  case Failure::k##name: return code;
    LUGGER_FAILURES(LUGGER_X)
#undef LUGGER_X
  }
  return "unknown";
}

std::string describe_failure(Failure failure, const Value& value, std::string_view type) {
  std::string_view sentence;
  switch (failure) {
#define LUGGER_X(name, code, text) \
  case Failure::k##name: sentence = text; break;
    LUGGER_FAILURES(LUGGER_X)
#undef LUGGER_X
  }
  std::string out;
  while (!sentence.empty()) {
    const size_t brace = sentence.find('{');
    out += sentence.substr(0, brace);
    if (brace == std::string_view::npos) break;
    const size_t end = sentence.find('}', brace);
    out += sentence.substr(brace, end - brace + 1) == "{value}" ? shown(value) : std::string(type);
    sentence.remove_prefix(end + 1);
  }
  const uint64_t dimensions = failure == Failure::kDimensions ? dimensions_of(value) : 0;
  if (dimensions != 0) out += fmt::format(": it has {}", dimensions);
  return out;
}

}  // namespace lugger
