// What is done to a live collection as a whole, and what a job that follows it does then.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace lugger {

/// By MongoDB's own words. The first three change all documents at once.
enum class DdlKind : uint8_t {
  kDrop,
  kRename,
  kDropDatabase,
  kCreate,
  kCollMod,
  kCreateIndexes,
  kDropIndexes,
};
inline constexpr std::array<std::string_view, 7> kDdlWords = {
    "drop", "rename", "dropDatabase", "create", "collMod", "createIndexes", "dropIndexes"};

/// kStop: the job fails, and its rows stand. kWarn: it is told and counted, and the job goes on.
/// kApply: the target follows, where that is possible; where it is not, kStop for what changes
/// documents and kWarn for the others.
enum class DdlPolicy : uint8_t { kStop, kWarn, kApply };
inline constexpr std::array<std::string_view, 3> kDdlPolicyWords = {"stop", "warn", "apply"};

/// A policy for each kind.
struct DdlPolicies {
  std::array<DdlPolicy, kDdlWords.size()> each = {
      DdlPolicy::kStop, DdlPolicy::kStop, DdlPolicy::kStop, DdlPolicy::kWarn,
      DdlPolicy::kWarn, DdlPolicy::kWarn, DdlPolicy::kWarn};
  DdlPolicy of(DdlKind kind) const noexcept { return each[static_cast<size_t>(kind)]; }
};

/// One such change, as the feed met it.
struct Ddl {
  DdlKind kind = DdlKind::kDrop;
  std::string what;      // "rename shop.orders to shop.older"
  std::string place;     // "shop.orders", as it was followed until then
  std::string when;      // by the source's clock
  std::string now;       // of a rename of what was followed: its new name, "shop.older"
  bool another = false;  // of a rename: another collection has taken its place
  std::string identity;  // the source's from here on; empty: as it was
};

/// True for what changes all documents at once.
constexpr bool changes_all(DdlKind kind) noexcept { return kind <= DdlKind::kDropDatabase; }

}  // namespace lugger
