// Reads the source once, through the mapping and its hook, and gives the rows to compare.
#pragma once
#include <mutex>

#include "verify/context.hpp"
#include "verify/crew.hpp"
#include "verify/row_digest.hpp"
#include "verify/turn.hpp"

namespace lugger {

/// What is expected of a document's row in the target.
enum class Standing : uint8_t {
  kExpected,
  kSpare,   // from a reject of the load: the row may exist, but need not
  kRefused  // the mapping refuses the document now: only the key of its own row is known
};

struct SourceRow {
  const ComparedTable& table;
  const Document& document;
  const Value* slots;  // with the server's text where that is compared; null: only the key is known
  const RowDigests& digests;
  Turn turn;
  Standing standing = Standing::kExpected;
};

/// Receives rows for one worker.
class SourceUse {
 public:
  virtual ~SourceUse() = default;
  virtual void row(const SourceRow& row) = 0;
  /// True: no more rows are needed.
  virtual bool enough() const { return false; }
};

/// Counts of documents in one pass.
struct SourceFacts {
  uint64_t documents = 0, skipped = 0, rejected = 0, kept_rejects = 0, outside = 0;
  uint64_t without_key = 0;  // refused before the key of their row was known
  std::map<std::string, uint64_t> unmapped, replaced, skip_reasons, reject_codes;
};

/// Of a document's _id, by which it is found again where others write to the source; 0: it has none.
uint64_t id_hash(const Document& document, ByteBuffer& scratch);

class SourcePass {
 public:
  explicit SourcePass(VerifyContext& context) : context_(context), rejects_(context.rejects) {
    context.source_documents = context.source_bytes = 0;  // what is displayed is of one pass
  }
  /// Claims partitions until none is left. Several threads call it at once.
  void work(SourceUse& use, const Crew& crew);
  /// Only after all threads have finished work().
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
