// What became of the documents read. The books must balance: read = inserted + updated + unchanged
// + skipped + rejected + suppressed.
#pragma once
#include <cstdint>

namespace lugger {

struct Tally {
  uint64_t read = 0, inserted = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0,
           suppressed =
               0;     // documents; the last: the server did not take a row of theirs, silently
  uint64_t rows = 0;  // rows written to all tables
  uint64_t child_rows = 0;  // of these, rows of child tables
  uint64_t bytes = 0;       // source bytes

  bool balanced() const noexcept {
    return read == inserted + updated + unchanged + skipped + rejected + suppressed;
  }
  Tally& operator+=(const Tally& other) noexcept {
    read += other.read, inserted += other.inserted, updated += other.updated,
        unchanged += other.unchanged;
    skipped += other.skipped, rejected += other.rejected, suppressed += other.suppressed;
    rows += other.rows, child_rows += other.child_rows;
    bytes += other.bytes;
    return *this;
  }
};

}  // namespace lugger
