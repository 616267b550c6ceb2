#include "weaviate/object_text.hpp"

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
    out.append(to_base64(value.bytes()));
  } else {
    const bool text = value.type == ValueType::kString || value.type == ValueType::kJson ||
                      value.type == ValueType::kPgText;
    out.append(text ? value.text() : coerced_text(value, type));
  }
  return Failure::kNone;
}

}  // namespace lugger
