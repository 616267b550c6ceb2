// Any bytes as an oplog, and its first document as what the updates are applied to: readers, folds
// and appliers must stay inside the bytes, and what they make must be BSON.
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "change/apply.hpp"
#include "change/fold.hpp"
#include "change/id_key.hpp"
#include "change/metadata.hpp"
#include "change/update_counts.hpp"
#include "files/bson_chain.hpp"

using namespace lugger;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Documents of the input as a feed.
class BytesFeed : public OplogFeed {
 public:
  explicit BytesFeed(Bytes bytes) : bytes_(bytes) {}
  Bytes next() override {
    const Bytes rest = bytes_.subspan(end_);
    if (rest.size() < 4) return {};
    const Link link = check_link(rest.data(), rest.size());
    if (link.fault != ChainFault::kNone) return {};
    at_ = end_;
    end_ += link.size();
    return rest.first(link.size());
  }
  uint64_t offset() const override { return at_; }

 private:
  Bytes bytes_;
  size_t at_ = 0, end_ = 0;
};

void apply_all(Bytes first, Bytes bytes) {
  ByteBuffer out;
  BytesFeed feed(bytes);
  for (Bytes update = feed.next(); !update.empty(); update = feed.next()) {
    out.clear();
    if (apply_update(first, update, out) != ApplyFault::kNone) require(out.empty());
    if (validate_bson(first) != BsonFault::kNone || validate_bson(update) != BsonFault::kNone)
      continue;
    if (!out.empty())
      require(validate_bson(out.view(), 2 * kMaxBsonDepth + 20) == BsonFault::kNone);
  }
}

void replay(const OpenOplog& open) {
  const OplogSurvey survey = survey_oplog(open, "oplog");
  count_updates(open, "oplog");
  for (size_t i = 0; i < survey.lineages.size() && i < 4; ++i) {
    const Lineage& lineage = survey.lineages[i];
    capped_limits(metadata_after({}, lineage));
    FoldSettings settings;
    settings.ordered = i % 2 == 1;
    FoldBuilder builder(settings, "oplog");
    walk_changes(open, "oplog", survey, i, [&](const Change& change) { builder.add(change); });
    const Fold fold = builder.finish();
    uint64_t after = 0;
    ByteBuffer key;
    for (Bytes one = fold.next_document(after); !one.empty(); one = fold.next_document(after)) {
      if (make_id_key(bson_field(one, "_id"), key)) fold.find(key.view(), hash_of(key.view()));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string exact(reinterpret_cast<const char*>(data), size);
  const Bytes bytes = as_bytes(exact);
  BytesFeed feed(bytes);
  const Bytes first = feed.next();
  if (first.empty()) return 0;
  apply_all(first, bytes.subspan(first.size()));
  try {
    replay([&] { return std::make_unique<BytesFeed>(bytes.subspan(first.size())); });
  } catch (const Error&) {
  }
  return 0;
}
