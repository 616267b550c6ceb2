// Compares single documents with their rows, read by key.
#pragma once
#include <functional>
#include <unordered_map>

#include "verify/refused_keys.hpp"
#include "verify/source_pass.hpp"
#include "verify/target_pass.hpp"
#include "verify/verdict.hpp"

namespace lugger {

/// What was found of one document.
struct Judgement {
  std::string id;  // {"_id": ...} as BSON
  bool equal = true;
  bool there = false;                // the source has the document
  bool kept_reject = false;          // it stands among the rejects
  bool refused = false;              // it is skipped, or the mapping refuses it
  std::vector<TableVerdict> tables;  // counts only
  std::vector<RowFinding> findings;  // with all columns that differ
  std::vector<SeenKey> keys;         // of its own rows
};

struct DigestHash {
  size_t operator()(const Digest& digest) const noexcept { return digest.lo; }
};

/// The keys of documents' own rows, made of their _ids alone. Belongs to one worker.
class IdKeys {
 public:
  explicit IdKeys(const VerifyContext& context);
  struct Key {
    KeyText text;
    Digest digest;
  };
  /// nullopt: no row can have it. Valid until the next call.
  const std::vector<std::optional<Key>>& of(const std::vector<std::string>& ids);

 private:
  const ComparedTable& own_;
  Plan plan_;
  RowDigester digester_;
  Arena arena_;
  Batch batch_{arena_};
  std::vector<std::optional<Key>> keys_;
};

/// Belongs to one worker.
class LiveCheck {
 public:
  explicit LiveCheck(VerifyContext& context);

  /// `batch`: documents, or deletes, of a source; the plan is run here. `rejects`: documents that
  /// need not have rows; null: none. `details`: findings are wanted.
  void run(Batch& batch, RowReader& reader, KnownRejects::Pass* rejects, bool details,
           const std::function<void(Judgement&&)>& use);
  const Plan& plan() const noexcept { return plan_; }

 private:
  struct Row {
    Digest key, row;
    uint64_t newer = 0;
    const Value* slots = nullptr;  // of the source
    bool met = false;
  };
  /// One key of a document's own row.
  struct Root {
    uint32_t document = 0;
    KeyText key;
    std::vector<std::vector<Row>> expected, there;  // by table
  };
  /// A row of the target with its values.
  struct Shown {
    std::vector<std::optional<std::string>> texts;
    std::vector<Digest> columns;
    std::string key;
  };
  struct ShownHash {
    size_t operator()(const std::pair<size_t, Digest>& key) const noexcept {
      return key.second.lo + key.first;
    }
  };
  using ShownRows = std::unordered_map<std::pair<size_t, Digest>, Shown, ShownHash>;
  class RowsThere;
  class RowsShown;

  void make_roots(Batch& batch);
  void add_root(const Digest& root, uint32_t document, const KeyText& key);
  void read(RowReader& reader, RowTaker& taker, const std::vector<const KeyText*>& keys);
  /// True: the rows are as they should be.
  bool compare(Root& root, bool spare, std::vector<TableVerdict>& tables);
  void compare_table(size_t table, Root& root, TableVerdict& found);
  void tell(const Root& root, const ShownRows& shown, std::vector<RowFinding>& out);
  RowFinding finding(FindingKind kind, size_t table, const Row& row, const Row* there,
                     const ShownRows& shown);

  VerifyContext& context_;
  Plan plan_;
  IdKeys id_keys_;
  std::unique_ptr<RowHook> hook_;
  std::unique_ptr<TargetValues> values_;
  RowDigester digester_;
  KeyHashes hashes_;
  std::vector<std::string> ids_;
  std::unordered_map<Digest, Root, DigestHash> roots_;
};

/// {"_id": ...} of a document.
std::string id_of(const Document& document);
/// The same bytes for ids that the source finds equal.
std::string id_key(std::string_view id);

}  // namespace lugger
