// Collections during the time of an oplog: they may be created, renamed and dropped between
// changes.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "value/value.hpp"

namespace lugger {

/// A collection's file in a dump.
struct DumpFile {
  std::string ns;    // "database.collection"
  std::string uuid;  // 16 bytes; empty: not known
};

/// One collection from its creation to its end, under whatever names.
struct Lineage {
  /// A name under which a dump may hold its documents. With needs_uuid, the file of that name
  /// belongs to another, older collection unless the uuids match.
  struct Claim {
    std::string ns;
    bool needs_uuid;
  };
  std::string ns;    // at the end; empty: it is gone
  std::string uuid;  // 16 bytes; empty: not known
  std::vector<Claim> claims;
  bool created = false;               // in the window
  uint64_t empty_at = 0;              // entry that emptied it: what came before does not count
  std::string gone;                   // how it ended, and when
  std::vector<std::string> commands;  // `o` of what changed its indexes and options
  uint64_t inserts = 0, replacements = 0, updates = 0, deletes = 0;

  uint64_t changes() const noexcept { return inserts + replacements + updates + deletes; }
};

class Namespaces {
 public:
  /// The collection that has the name now.
  size_t at(std::string_view ns, Bytes uuid);

  void create(std::string_view ns, Bytes uuid, Bytes command);
  void drop(std::string_view ns, Bytes uuid, std::string how);
  void drop_database(std::string_view database, const std::string& how);
  void rename(std::string_view from, std::string_view to, bool drop_target, Bytes uuid,
              const std::string& when);
  void empty(std::string_view ns, Bytes uuid, uint64_t entry);
  /// Keeps a command for the metadata.
  void note(std::string_view ns, Bytes uuid, Bytes command);

  std::vector<Lineage>& lineages() noexcept { return lineages_; }
  const std::vector<std::string>& dropped_databases() const noexcept { return dropped_; }

 private:
  size_t begin(std::string_view ns, Bytes uuid);
  bool is_vacant(std::string_view ns) const;

  static constexpr size_t kVacant = SIZE_MAX;  // dropped, or renamed away
  std::map<std::string, size_t, std::less<>> names_;
  std::vector<Lineage> lineages_;
  std::vector<std::string> dropped_;  // databases
  std::string last_ns_;               // most entries follow one of the same collection
  size_t last_ = kVacant;
};

/// The state at the end: a file and what happened to it, or a collection created during the oplog.
struct EndState {
  static constexpr size_t kNone = SIZE_MAX;
  std::string ns;
  size_t file = kNone, lineage = kNone;
};

/// Files without a lineage are unchanged, unless their database was dropped.
std::vector<EndState> end_states(const std::vector<Lineage>& lineages,
                                 const std::vector<std::string>& dropped_databases,
                                 const std::vector<DumpFile>& files);

/// Why a name no longer exists; "": the oplog does not say.
std::string reason_gone(const std::vector<Lineage>& lineages, std::string_view ns);

}  // namespace lugger
