#include "place/search.hpp"

#include "base/words.hpp"
#include "vector/metric.hpp"

namespace lugger {

bool holds_vectors(const ColumnType& type) noexcept {
  switch (type.kind) {
    case Kind::kVector:
    case Kind::kHalfvec:
    case Kind::kSparsevec:
    case Kind::kBit:
    case Kind::kVarbit: return true;
    case Kind::kArray: return type.element == Kind::kFloat4 || type.element == Kind::kFloat8;
    default: return false;
  }
}

Metric usual_metric(const ColumnType& type) noexcept {
  return type.kind == Kind::kBit || type.kind == Kind::kVarbit ? Metric::kHamming : Metric::kCosine;
}

std::string_view metric_word(Metric metric) noexcept {
  return kMetricWords[static_cast<size_t>(metric)];
}

Metric metric_of(std::string_view word) {
  check_metric(word);
  return enum_of<Metric>("metric", word, kMetricWords);
}

std::string hit_key(const std::vector<std::optional<std::string>>& values) {
  if (values.size() == 1) return values[0].value_or("");
  std::string out;
  for (const std::optional<std::string>& value : values) {
    if (!out.empty()) out += ", ";
    for (const char c : value.value_or("")) {
      if (c == ',' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace lugger
