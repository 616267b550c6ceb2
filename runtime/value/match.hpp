// MongoDB's query language for documents outside MongoDB: { age = { $gt = 30 } }, compiled once and
// applied to each document.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "value/document.hpp"

namespace lugger {

struct FilterNode;

class Filter {
 public:
  /// Error{config} for operators it does not know, by name.
  explicit Filter(std::string bson);
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  ~Filter();
  bool matches(const Document& document, Arena& arena) const;

 private:
  std::string bson_;  // the nodes' values point into it
  std::unique_ptr<FilterNode> root_;
};

/// Every operator that a filter knows, for messages and the manual.
const std::vector<std::string_view>& filter_operators();

}  // namespace lugger
