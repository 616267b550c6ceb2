// What is noticed while changes are followed.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lugger {

/// Something that was met while changes were followed and that is kept for whoever looks: what was
/// done to a collection, a field that no column takes, a new collection.
struct Notice {
  std::string job;
  std::string kind;  // a word of kDdlWords, or one of those below
  std::string name;  // what it is about; one record for each kind and name
  std::string done;  // what the job did, in a word or a sentence
  uint64_t count = 1;
  std::string first = {}, last = {};  // ISO text, UTC
};

inline constexpr std::string_view kFieldNotice = "field", kCollectionNotice = "collection",
                                  kLargeNotice = "large";
/// Rejects that were accepted when they were tried again; of a process, the ledger has none.
inline constexpr std::string_view kAcceptedNotice = "accepted";
/// `done` has the names of the collections that were seen, a line each. Not for showing.
inline constexpr std::string_view kKnownCollections = "collections";

}  // namespace lugger
