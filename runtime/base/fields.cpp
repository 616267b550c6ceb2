#include "base/fields.hpp"

#include <algorithm>

namespace lugger {

std::optional<std::string_view> spec_field(std::string_view spec, std::string_view name) noexcept {
  while (!spec.empty()) {
    const size_t end = std::min(spec.find(' '), spec.size());
    const std::string_view field = spec.substr(0, end);
    if (field.size() > name.size() && field.starts_with(name) && field[name.size()] == ':') {
      return field.substr(name.size() + 1);
    }
    spec.remove_prefix(std::min(end + 1, spec.size()));
  }
  return std::nullopt;
}

}  // namespace lugger
