// Selects documents from a certain time on.
#pragma once
#include <string>
#include <vector>

#include "value/document.hpp"

namespace lugger {

class SinceFilter {
 public:
  /// `field`: a dotted path; empty: the time in an ObjectId _id. Error{config} for a time that
  /// cannot be parsed.
  SinceFilter(const std::string& time, const std::string& field);
  /// True also for a document without a time, because it is not known to be older.
  bool includes(const Document& document) const;
  /// "documents whose _id was made at or after 2026-01-01T00:00:00Z".
  std::string words() const;

 private:
  int64_t unix_ms_;
  std::string time_, field_;
  std::vector<std::string> path_;
};

}  // namespace lugger
