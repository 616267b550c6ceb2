// The documents that a job's ledger keeps as rejects, identified by their content: a dump may hold
// an id twice, and only one of the two may be a reject.
#pragma once
#include <atomic>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "place/state.hpp"
#include "plan/plan.hpp"
#include "verify/hash.hpp"

namespace lugger {

class KnownRejects {
 public:
  void add(const RejectRecord& reject);
  bool empty() const noexcept { return counts_.empty() && ids_.empty(); }
  /// Rejects without a stored document (--redact, or too large to keep): only their id is known.
  uint64_t by_id() const noexcept { return ids_.size(); }
  /// Those of them that have no id either.
  uint64_t unknown() const noexcept { return unknown_; }

  /// One pass over the source, by several threads. Of several equal documents, as many count as
  /// rejects as the ledger holds.
  class Pass {
   public:
    explicit Pass(const KnownRejects& rejects);
    bool takes(const Document& document, const Mapping& mapping);

   private:
    const KnownRejects& rejects_;
    std::vector<std::atomic<int64_t>> left_;
  };

 private:
  struct Hash {
    size_t operator()(const Digest& digest) const noexcept { return digest.lo; }
  };
  std::unordered_map<Digest, size_t, Hash> documents_;  // index in counts_
  std::vector<int64_t> counts_;
  std::unordered_set<std::string> ids_;
  uint64_t unknown_ = 0;
};

}  // namespace lugger
