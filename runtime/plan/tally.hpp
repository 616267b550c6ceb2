// What became of the documents read. The books must balance: read = inserted + updated + unchanged
// + skipped + rejected + suppressed.
#pragma once
#include <cstdint>

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

  // Written to all tables; of these, to child tables.
  uint64_t rows = 0;
  uint64_t child_rows = 0;

  // Of the source.
  uint64_t bytes = 0;

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
