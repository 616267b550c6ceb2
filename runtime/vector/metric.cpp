#include "vector/metric.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace lugger {

void check_metric(std::string_view word, std::string_view where) {
  if (std::ranges::find(kMetricWords, word) != kMetricWords.end()) return;
  throw Error(
      Code::kConfig,
      fmt::format("{}metric = '{}' is not one of {}", where, word, fmt::join(kMetricWords, ", ")),
      word == "ip" ? "pgvector's <#> and ip are metric = 'dot'"
                   : "name what queries compare vectors by");
}

}  // namespace lugger
