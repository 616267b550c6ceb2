#include "place/books.hpp"

#include "base/error.hpp"

namespace lugger {

void check_books(const Tally& t) {
  if (t.balanced()) return;
  raise(Code::kBug,
        "the read counts do not add up: read {} is not inserted {} + updated {} + unchanged {} + "
        "skipped {} + rejected {} + suppressed {} + deleted {}",
        t.read, t.inserted, t.updated, t.unchanged, t.skipped, t.rejected, t.suppressed, t.deleted);
}

void leave_out_refused(Tally& tally) noexcept {
  tally.read -= tally.rejected;
  tally.rejected = 0;
}

}  // namespace lugger
