#include "verify/known_rejects.hpp"

#include "value/keep.hpp"

namespace lugger {

namespace {

Digest digest_of(Bytes kept) noexcept { return digest_bytes(kept, 0); }

}  // namespace

void KnownRejects::add(const RejectRecord& reject) {
  if (reject.raw.empty()) {
    if (reject.document_id.empty() || reject.document_id == "?")
      ++unknown_;
    else
      ids_.insert(reject.document_id);
    return;
  }
  const auto [at, fresh] = documents_.try_emplace(digest_of(as_bytes(reject.raw)), counts_.size());
  if (fresh) counts_.push_back(0);
  ++counts_[at->second];
}

KnownRejects::Pass::Pass(const KnownRejects& rejects)
    : rejects_(rejects), left_(rejects.counts_.size()) {
  for (size_t i = 0; i < left_.size(); ++i) left_[i] = rejects.counts_[i];
}

bool KnownRejects::Pass::takes(const Document& document, const Mapping& mapping) {
  if (!left_.empty()) {
    const auto at = rejects_.documents_.find(digest_of(as_bytes(keep_document(document))));
    const bool known = at != rejects_.documents_.end();
    if (known && left_[at->second].fetch_sub(1, std::memory_order_relaxed) > 0) return true;
  }
  return !rejects_.ids_.empty() && rejects_.ids_.count(document_id(document, mapping)) != 0;
}

}  // namespace lugger
