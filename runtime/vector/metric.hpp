// The words of metrics: the same in indexes, manifests and searches.
#pragma once
#include <array>
#include <string_view>

namespace lugger {

/// As Metric counts.
inline constexpr std::array<std::string_view, 6> kMetricWords = {"cosine", "dot",     "l2",
                                                                 "l1",     "hamming", "jaccard"};

/// Error{config} for another word. `where` stands before the message: "manifest: ".
void check_metric(std::string_view word, std::string_view where = "");

}  // namespace lugger
