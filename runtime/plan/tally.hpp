// What became of the documents read. The books must balance: read = inserted + updated + unchanged
// + skipped + rejected + suppressed + deleted.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace lugger {

struct Tally {
  // Documents.
  uint64_t read = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t unchanged = 0;
  uint64_t skipped = 0;
  uint64_t rejected = 0;
  // The server did not take a row of theirs, silently.
  uint64_t suppressed = 0;
  // Deleted at the source, and now here. One that was not here is unchanged.
  uint64_t deleted = 0;

  // Written to all tables; of these, to child tables.
  uint64_t rows = 0;
  uint64_t child_rows = 0;

  // Of the source.
  uint64_t bytes = 0;

  bool balanced() const noexcept {
    return read == inserted + updated + unchanged + skipped + rejected + suppressed + deleted;
  }
  Tally& operator+=(const Tally& other) noexcept;
  Tally& operator-=(const Tally& other) noexcept;
};

/// A count as ledgers, scripts and JSON name it.
struct TallyCount {
  std::string_view name;
  uint64_t Tally::*of;
};

inline constexpr std::array<TallyCount, 11> kTallyCounts = {{{"read", &Tally::read},
                                                             {"inserted", &Tally::inserted},
                                                             {"updated", &Tally::updated},
                                                             {"unchanged", &Tally::unchanged},
                                                             {"skipped", &Tally::skipped},
                                                             {"rejected", &Tally::rejected},
                                                             {"suppressed", &Tally::suppressed},
                                                             {"deleted", &Tally::deleted},
                                                             {"rows", &Tally::rows},
                                                             {"child_rows", &Tally::child_rows},
                                                             {"bytes", &Tally::bytes}}};

inline Tally& Tally::operator+=(const Tally& other) noexcept {
  for (const TallyCount& count : kTallyCounts) this->*count.of += other.*count.of;
  return *this;
}

inline Tally& Tally::operator-=(const Tally& other) noexcept {
  for (const TallyCount& count : kTallyCounts) this->*count.of -= other.*count.of;
  return *this;
}

}  // namespace lugger
