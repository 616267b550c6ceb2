// The source read once, through the mapping and its hook, as rows to be compared.
#pragma once
#include <mutex>

#include "verify/context.hpp"
#include "verify/crew.hpp"
#include "verify/row_digest.hpp"
#include "verify/turn.hpp"

namespace lugger {

/// What a document's row is to the target.
enum class Standing : uint8_t {
  kExpected,
  kSpare,   // of a reject of the load: it need not be there, and may
  kRefused  // the mapping refuses the document now: of its own row the key is known, no more
};

struct SourceRow {
  const ComparedTable& table;
  const Value* slots;  // as the plan made them, with the server's text where it is asked for; null:
                       // only the key is known
  const RowDigests& digests;
  Turn turn;
  Standing standing = Standing::kExpected;
};

/// One worker's taker of rows.
class SourceUse {
 public:
  virtual ~SourceUse() = default;
  virtual void row(const SourceRow& row) = 0;
  /// True: nothing more is needed.
  virtual bool enough() const { return false; }
};

/// What a pass counted of documents.
struct SourceFacts {
  uint64_t documents = 0, skipped = 0, rejected = 0, kept_rejects = 0, outside = 0;
  uint64_t without_key = 0;  // refused before the key of their row was known
  std::map<std::string, uint64_t> unmapped, replaced, skip_reasons, reject_codes;
};

class SourcePass {
 public:
  explicit SourcePass(VerifyContext& context) : context_(context), rejects_(context.rejects) {}
  /// Claims partitions until none is left. Called by several threads at once.
  void work(SourceUse& use, const Crew& crew);
  /// Once all of them are done.
  const SourceFacts& facts() const noexcept { return facts_; }

 private:
  class Reader;
  std::optional<size_t> claim();
  void add(const SourceFacts& more);

  VerifyContext& context_;
  KnownRejects::Pass rejects_;
  std::mutex mutex_;
  size_t next_ = 0;
  SourceFacts facts_;
};

}  // namespace lugger
