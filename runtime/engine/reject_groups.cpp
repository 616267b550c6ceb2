#include "engine/reject_groups.hpp"

#include <algorithm>

#include "engine/run.hpp"
#include "plan/failure.hpp"
#include "value/damaged.hpp"

namespace lugger {

namespace {

constexpr size_t kMostGroups = 200;  // with more groups, messages of hooks no longer form groups

}  // namespace

RejectGroups::Group& RejectGroups::group(Key key) {
  if (groups_.size() >= kMostGroups && groups_.count(key) == 0) std::get<3>(key).clear();
  return groups_[std::move(key)];
}

void RejectGroups::add(const RejectRecord& reject, bool redact) {
  const bool said = reject.code == failure_code(Failure::kHook) && !redact;
  Group& one =
      group({reject.table, reject.column, reject.code, said ? reject.message : reject.constraint});
  if (!redact && one.told.size() < RejectGroup::kMostTexts)
    one.told.insert(std::hash<std::string_view>()(without_place(reject.message)));
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
    Group& one = group(key);
    const uint64_t documents = one.documents + other.documents;
    if (one.documents == 0) one = other;
    one.documents = documents;
    one.told.insert(other.told.begin(), other.told.end());
  }
}

void RejectGroups::fill(RunResult& result) const {
  for (const auto& [key, one] : groups_) {
    result.reject_codes[one.code] += one.documents;
    result.rejects.push_back(one);
    result.rejects.back().texts = std::min<uint64_t>(one.told.size(), RejectGroup::kMostTexts);
  }
  std::stable_sort(result.rejects.begin(), result.rejects.end(),
                   [](const auto& a, const auto& b) { return a.documents > b.documents; });
}

}  // namespace lugger
