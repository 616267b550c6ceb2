// What became of the documents read. The books must balance: read = inserted + updated + unchanged
// + skipped + rejected + suppressed + deleted.
#pragma once
#include <cstdint>
#include <string_view>

namespace lugger {

struct Tally {
  uint64_t read = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t unchanged = 0;
  uint64_t skipped = 0;
  uint64_t rejected = 0;
  uint64_t suppressed = 0;
  uint64_t deleted = 0;
  uint64_t rows = 0;
  uint64_t child_rows = 0;
  uint64_t bytes = 0;

  bool balanced() const noexcept {
    return read == inserted + updated + unchanged + skipped + rejected + suppressed + deleted;
  }
  Tally& operator+=(const Tally& other) noexcept;
  Tally& operator-=(const Tally& other) noexcept;
};

/// A count as ledgers, scripts and JSON name it, and what it counts.
struct TallyCount {
  std::string_view name;
  uint64_t Tally::*of;
  std::string_view about;
};

inline constexpr TallyCount kTallyCounts[] = {
    {"read", &Tally::read,
     "documents; read = inserted + updated + unchanged + skipped + rejected + suppressed + "
     "deleted"},
    {"inserted", &Tally::inserted, ""},
    {"updated", &Tally::updated, ""},
    {"unchanged", &Tally::unchanged, ""},
    {"skipped", &Tally::skipped, ""},
    {"rejected", &Tally::rejected, ""},
    {"suppressed", &Tally::suppressed,
     "the server did not take a row of theirs, and gave no error"},
    {"deleted", &Tally::deleted,
     "deleted at the source, and now here; one that was not here is unchanged"},
    {"rows", &Tally::rows, "rows written to all tables"},
    {"child_rows", &Tally::child_rows, "of these, rows of child tables"},
    {"bytes", &Tally::bytes, "source bytes"},
};

inline Tally& Tally::operator+=(const Tally& other) noexcept {
  for (const TallyCount& count : kTallyCounts) this->*count.of += other.*count.of;
  return *this;
}

inline Tally& Tally::operator-=(const Tally& other) noexcept {
  for (const TallyCount& count : kTallyCounts) this->*count.of -= other.*count.of;
  return *this;
}

}  // namespace lugger
