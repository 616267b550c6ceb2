// A dump brought to the end of its oplog: documents as they were when the last entry was written.
#pragma once
#include "change/oplog_summary.hpp"
#include "files/oplog_place.hpp"
#include "place/source.hpp"

namespace lugger {

/// An oplog that has been read once.
struct Replay {
  OplogPlace place;
  OplogSummary summary;
};

/// Null when there is none. With an archive that turns out to hold none: Error{config} when
/// options.oplog asks for it.
std::shared_ptr<const Replay> begin_replay(std::optional<OplogPlace> place, const Options& options,
                                           std::string_view shown);

/// The collections of a dump at the end of its oplog.
struct ReplayedCollections {
  struct Origin {
    static constexpr size_t kNone = SIZE_MAX;
    size_t before = kNone;   // the collection of the dump that holds its documents
    size_t lineage = kNone;  // in the summary
  };
  std::vector<CollectionInfo> infos;
  std::vector<Origin> origins;  // of each
};

/// whole: the collections of all databases are there, so those that the oplog creates are added.
/// Otherwise only those of the databases that occur.
ReplayedCollections replayed_collections(const std::vector<CollectionInfo>& before,
                                         const Replay& replay, bool whole);

/// Changes of collections of which neither the dump has the documents nor the oplog the creation: a
/// sentence each.
std::vector<std::string> left_out(const std::vector<CollectionInfo>& before,
                                  const ReplayedCollections& now, const Replay& replay, bool whole);

/// What the oplog did to the collection that options ask for; Error{config} when it has gone.
void refuse_gone(const Replay& replay, const ReplayedCollections& now, const Options& options,
                 std::string_view place);

/// before: the source of the dump's documents; null: the collection was made in the window.
std::unique_ptr<Source> make_replayed_source(std::unique_ptr<Source> before,
                                             std::shared_ptr<const Replay> replay,
                                             const CollectionInfo& info, size_t lineage,
                                             std::vector<std::string> warnings);

/// The database of a collection that is known by its name alone; "" when the oplog has none of that
/// name, Error{config} when several.
std::string database_in_oplog(const Replay& replay, std::string_view collection);

/// What SourceInfo and describe tell of an oplog; lineage may be Origin::kNone.
OplogInfo oplog_info(const Replay& replay, size_t lineage);

}  // namespace lugger
