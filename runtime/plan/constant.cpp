#include "plan/constant.hpp"

#include "plan/coerce.hpp"
#include "value/json_writer.hpp"

namespace lugger {

namespace {

bool has_bytes(ValueType type) noexcept {
  switch (type) {
    case ValueType::kDate:
    case ValueType::kTimestamp:
    case ValueType::kMinKey:
    case ValueType::kMaxKey:
    case ValueType::kDay:
    case ValueType::kTime:
    case ValueType::kMicros: return false;
    default: return type > ValueType::kDouble;
  }
}

}  // namespace

Constant::Constant(const Value& value) : type_(value) {
  if (has_bytes(value.type)) bytes_ = value.text();
}

Value Constant::value() const noexcept {
  Value out = type_;
  if (!has_bytes(type_.type)) return out;
  out.data = as_bytes(bytes_).data();
  out.size = static_cast<uint32_t>(bytes_.size());
  return out;
}

std::string Constant::text() const {
  ByteBuffer out;
  if (append_scalar_text(value(), out)) return std::string(out.text());
  return value_json(value());
}

}  // namespace lugger
