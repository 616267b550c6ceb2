#include "place/compared.hpp"

#include "base/text.hpp"
#include "plan/coerce.hpp"

namespace lugger {

std::string server_text(const Value& value, const ComparedColumn& column) {
  if (column.type.kind == Kind::kBytea && !column.by_server) return "\\x" + to_hex(value.bytes());
  return coerced_text(value, column.type);
}

std::optional<std::string> server_text_or_null(const Value& value, const ComparedColumn& column) {
  if (value.absent()) return std::nullopt;
  return server_text(value, column);
}

}  // namespace lugger
