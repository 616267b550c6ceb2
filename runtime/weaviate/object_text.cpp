#include "weaviate/object_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/text.hpp"
#include "plan/coerce.hpp"

namespace lugger {
namespace {

constexpr int64_t kMostExact = int64_t{1} << 53;

/// RFC 3339 has the years 0 to 9999.
Failure append_date(const Value& value, ByteBuffer& out) {
  constexpr size_t kYear = 4;
  const size_t before = out.size();
  append_scalar_text(value, out);
  const std::string_view text = out.text().substr(before);
  const bool good =
      text.size() > kYear && text[kYear] == '-' && text.find_first_not_of("0123456789") == kYear;
  if (!good) return Failure::kOutOfRange;
  if (value.type == ValueType::kDay) out.append("T00:00:00Z");
  return Failure::kNone;
}

}  // namespace

Failure append_number(const Value& value, ByteBuffer& out) {
  if (value.type == ValueType::kDouble && !std::isfinite(value.f64)) return Failure::kNonFinite;
  const bool integer = value.type == ValueType::kInt32 || value.type == ValueType::kInt64;
  if (integer && (value.i64 > kMostExact || value.i64 < -kMostExact)) return Failure::kInexact;
  append_scalar_text(value, out);
  return Failure::kNone;
}

Failure append_plain(ObjectForm form, const ColumnType& type, const Value& value, ByteBuffer& out) {
  if (form == ObjectForm::kDate) return append_date(value, out);
  if (form == ObjectForm::kUuid) {
    append_scalar_text(value, out);
  } else if (form == ObjectForm::kBlob) {
    if (value.size == 0) return Failure::kWrongType;  // no base64 to the server
    out.append(to_base64(value.bytes()));
  } else {
    const bool text = value.type == ValueType::kString || value.type == ValueType::kJson ||
                      value.type == ValueType::kPgText;
    out.append(text ? value.text() : coerced_text(value, type));
  }
  return Failure::kNone;
}

std::string why_unheld(const Column& column, Failure failure, const Value& value) {
  const ColumnType& type = column.type;
  const auto said = [&](std::string_view why) {
    constexpr size_t kExcerpt = 60;
    const std::string text = coerced_text(value, type);
    return fmt::format("{}: {} {}", column.name,
                       text.size() > kExcerpt ? quoted_excerpt(text, kExcerpt) : text, why);
  };
  const Kind kind = type.is_array() ? type.element : type.kind;
  const bool time = kind == Kind::kDate || kind == Kind::kTimestamp || kind == Kind::kTimestamptz;
  switch (failure) {
    case Failure::kInexact:
      return said("is beyond 2^53, and Weaviate would round it: a text column keeps it");
    case Failure::kOutOfRange:
      return time
                 ? said(
                       "is outside the years 0 to 9999 of Weaviate's dates: a text column keeps it")
                 : std::string();
    case Failure::kWrongType:
      return fmt::format("{}: bytes that are none, and Weaviate takes no empty blob", column.name);
    case Failure::kBadElement:
      return type.is_array() || is_vector_array(type)
                 ? said("has a NULL in it, and lists of Weaviate have none")
                 : std::string();
    case Failure::kDimensions:
      if (type.is_array()) return said("has several dimensions, and lists of Weaviate have one");
      return is_vector_array(type) && value.text() == "{}"
                 ? said("has no vector, and Weaviate takes no empty list of them")
                 : std::string();
    default: return {};
  }
}

}  // namespace lugger
