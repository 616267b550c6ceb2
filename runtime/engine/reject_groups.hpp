// Rejects grouped by reason, with the first document of each group, for the summary at the end of a
// run. The size does not grow with the data.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "place/state.hpp"

namespace lugger {

struct RunResult;

struct RejectGroup {
  std::string table, column, code, constraint;
  uint64_t documents = 0;
  // Of the first document. The advice is separate from the message. With --redact the message is
  // empty.
  std::string message, advice, document_id;
  /// How many different messages there are, without the places in a text that they begin with. At
  /// kMostTexts there may be more.
  uint64_t texts = 0;
  static constexpr uint64_t kMostTexts = 1000;
};

class RejectGroups {
 public:
  void add(const RejectRecord& reject, bool redact);
  void add(const RejectGroups& others);
  /// Sets the groups of rejects and the counts by code.
  void fill(RunResult& result) const;

 private:
  /// Table, column, code; then the constraint, or the message of a hook.
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  struct Group : RejectGroup {
    std::set<size_t> told;  // hashes of the messages
  };
  Group& group(Key key);

  std::map<Key, Group> groups_;
};

}  // namespace lugger
