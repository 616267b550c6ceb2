#include "engine/reject_groups.hpp"

#include <algorithm>

#include "engine/run.hpp"
#include "plan/failure.hpp"

namespace lugger {

namespace {

constexpr size_t kMostGroups = 200;  // with more groups, messages of hooks no longer form groups

}  // namespace

RejectGroup& RejectGroups::group(Key key) {
  if (groups_.size() >= kMostGroups && groups_.count(key) == 0) std::get<3>(key).clear();
  return groups_[std::move(key)];
}

void RejectGroups::add(const RejectRecord& reject, bool redact) {
  const bool said = reject.code == failure_code(Failure::kHook) && !redact;
  RejectGroup& one =
      group({reject.table, reject.column, reject.code, said ? reject.message : reject.constraint});
  if (one.documents++ != 0) return;
  one.table = reject.table;
  one.column = reject.column;
  one.code = reject.code;
  one.constraint = reject.constraint;
  one.document_id = reject.document_id;
  if (redact) return;
  one.message = reject.message;
  one.advice = reject.advice;
  if (!one.advice.empty()) one.message.resize(one.message.rfind("; " + one.advice));
}

void RejectGroups::add(const RejectGroups& others) {
  for (const auto& [key, other] : others.groups_) {
    RejectGroup& one = group(key);
    const uint64_t documents = one.documents + other.documents;
    if (one.documents == 0) one = other;
    one.documents = documents;
  }
}

void RejectGroups::fill(RunResult& result) const {
  for (const auto& [key, one] : groups_) {
    result.reject_codes[one.code] += one.documents;
    result.rejects.push_back(one);
  }
  std::stable_sort(result.rejects.begin(), result.rejects.end(),
                   [](const auto& a, const auto& b) { return a.documents > b.documents; });
}

}  // namespace lugger
