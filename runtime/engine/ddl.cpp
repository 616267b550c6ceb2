#include "engine/ddl.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace lugger {
namespace {

constexpr std::string_view kCopyAnew =
    "empty the tables and copy it anew: lugger move SCRIPT --restart";

[[noreturn]] void refuse(const Ddl& ddl, std::string_view why, std::string hint) {
  throw Error(
      Code::kRead,
      fmt::format("{} was changed as a whole at {}: {}{}", ddl.place, ddl.when, ddl.what, why),
      std::move(hint));
}

[[noreturn]] void stop_at(const Ddl& ddl) {
  if (!changes_all(ddl.kind))
    refuse(ddl, "",
           "look at it; on_ddl = 'warn' in the job, beside `from`, goes on (--accept-changes)");
  std::string hint = "the rows stand as they were before it. Look at the source, then ";
  if (ddl.another) {
    hint += kCopyAnew;
  } else {
    hint += fmt::format(
        "say in the job, beside `from`, whether the target follows, on_ddl = {{ {0} = 'apply' }} "
        "({1}), or the rows stay, {{ {0} = 'warn' }}, and go on with --accept-changes; or {2}",
        kDdlWords[static_cast<size_t>(ddl.kind)],
        ddl.kind == DdlKind::kRename ? "the new name is followed" : "the rows are deleted",
        kCopyAnew);
  }
  refuse(ddl, "", std::move(hint));
}

DdlOutcome apply(const Ddl& ddl) {
  if (!changes_all(ddl.kind)) return {false, false, "cannot be applied; told"};
  if (ddl.kind != DdlKind::kRename) return {true, false, "applied: the rows are deleted"};
  if (ddl.another) {
    refuse(ddl, "; another collection has its place, which no change tells the documents of",
           fmt::format("the rows are those of the old one. To have the new one's, {}", kCopyAnew));
  }
  if (ddl.now.empty()) {
    refuse(ddl, "; another database is not followed",
           "the rows stand. Name the new collection in the script and copy it: lugger move SCRIPT");
  }
  return {false, true, fmt::format("applied: {} is followed", ddl.now)};
}

}  // namespace

DdlOutcome settle_ddl(const Ddl& ddl, const DdlPolicies& policies) {
  switch (policies.of(ddl.kind)) {
    case DdlPolicy::kStop: stop_at(ddl);
    case DdlPolicy::kApply: return apply(ddl);
    case DdlPolicy::kWarn: break;
  }
  return {false, false, changes_all(ddl.kind) ? "told; the rows stand" : "told"};
}

void refuse_ddl_in_copy(const Ddl& ddl) {
  refuse(ddl, ", while it was copied",
         fmt::format("what was copied stands. Look at the source, then {}", kCopyAnew));
}

void refuse_gone_in_copy(const SourceInfo& source) {
  throw Error(Code::kRead,
              fmt::format("{}.{} was dropped, renamed or made anew before what changed during its "
                          "copy was settled",
                          source.database, source.collection),
              fmt::format("what was copied stands. Look at the source, then {}", kCopyAnew));
}

std::string policies_text(const DdlPolicies& policies) {
  std::string out;
  for (size_t policy = 0; policy < kDdlPolicyWords.size(); ++policy) {
    std::string kinds;
    for (size_t kind = 0; kind < kDdlWords.size(); ++kind) {
      if (static_cast<size_t>(policies.each[kind]) != policy) continue;
      kinds += fmt::format("{}{}", kinds.empty() ? "" : ", ", kDdlWords[kind]);
    }
    if (kinds.empty()) continue;
    out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", kDdlPolicyWords[policy], kinds);
  }
  return out;
}

}  // namespace lugger
