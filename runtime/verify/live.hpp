// Compares both sides while the source is written to and a run applies its changes.
#pragma once
#include <deque>
#include <functional>

#include "verify/comparing.hpp"
#include "verify/live_watch.hpp"

namespace lugger {

/// What a repair of it needs to know. Ids are {"_id": ...} as BSON.
struct LiveWrong {
  static constexpr size_t kMost = 20'000;
  std::vector<std::string> ids;      // of documents with missing or different rows
  std::vector<std::string> extras;   // of those with rows that they should not have, and of ids
                                     // that have rows and no document
  std::vector<KeyText> strangers;    // keys of rows that no document makes
  std::vector<uint64_t> extra_rows;  // by table
  uint64_t refused = 0;              // documents that were refused, and have rows
  bool complete = true;              // false: there are more of them
};

/// Every document is read once and compared with its rows. Whatever differs, or was changed on
/// either side since, is read again until it is known that both sides stood still meanwhile: no
/// change of the document lies between what is applied to the target, when its rows are read, and
/// what has happened in the source, when the document has been read. A difference that is found
/// twice like this counts.
class LiveComparing {
 public:
  LiveComparing(VerifyContext& context, Verdict& verdict, LiveWrong& wrong);
  /// Calls `stage` with the name of each stage when it begins.
  void run(const std::function<void(const char*)>& stage);

 private:
  /// A document to be judged.
  struct Open {
    MovedKey key;
    int found = 0;  // how often it was found wrong
  };
  using Opens = std::vector<Open>;

  void begin();
  void read_all();
  void read_part(size_t partition, LiveCheck& check, const Crew& crew, SourceFacts& facts);
  void take_first(Judgement&& judgement, std::vector<SeenKey>& seen, SourceFacts& facts);
  void add_facts(const SourceFacts& facts, const Plan& plan);
  void find_strangers();
  void judge_moved();
  /// Reads documents and rows once more. What is not decided goes to `again`, what is changing to
  /// `hot_`.
  void judge(Opens&& open, Opens& again);
  void judge_all(Opens&& open);
  void settle(Open&& open, Judgement&& judgement, Opens& again);
  void count(const Open& open, Judgement&& judgement);
  void make_lean(RowFinding& finding, uint64_t shown) const;
  void keep_wrong(const Judgement& judgement);
  void show(RowFinding&& finding);
  void wait_for_hot(size_t most, bool last);
  void see_applied();
  void finish();

  VerifyContext& context_;
  Verdict& verdict_;
  LiveWrong& wrong_;
  std::unique_ptr<State> state_;
  std::unique_ptr<SeenKeys> seen_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<LiveWatch> watch_;
  std::unique_ptr<LiveCheck> check_;
  std::mutex mutex_;  // while the source is read: guards what is counted
  std::vector<TableVerdict> tables_;
  std::deque<Open> hot_;
  Position applied_;
  Stopwatch stands_;  // since the position moved
  std::map<std::pair<std::string, FindingKind>, uint64_t> shown_;
};

}  // namespace lugger
