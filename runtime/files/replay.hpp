// A dump updated to the end of its oplog: documents as they were when the last entry was written.
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

/// Null when there is no oplog. If an archive turns out to have none, Error{config} when
/// options.oplog requires one.
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

/// whole: the list has the collections of all databases, so collections that the oplog creates are
/// added; otherwise only those in databases of the list.
ReplayedCollections replayed_collections(const std::vector<CollectionInfo>& before,
                                         const Replay& replay, bool whole);

/// Changes to collections that are not in the dump and were not created in the oplog: one sentence
/// each.
std::vector<std::string> left_out(const std::vector<CollectionInfo>& before,
                                  const ReplayedCollections& now, const Replay& replay, bool whole);

/// Error{config} when the oplog has dropped or renamed the collection that the options request.
void refuse_gone(const Replay& replay, const ReplayedCollections& now, const Options& options,
                 std::string_view place);

/// before: the source of the dump's documents; null: the collection was made in the window.
std::unique_ptr<Source> make_replayed_source(std::unique_ptr<Source> before,
                                             std::shared_ptr<const Replay> replay,
                                             const CollectionInfo& info, size_t lineage,
                                             std::vector<std::string> warnings);

/// The database of a collection of which only the name is known; "": the oplog has no collection of
/// that name. Error{config} when it has several.
std::string database_in_oplog(const Replay& replay, std::string_view collection);

/// What SourceInfo and describe tell of an oplog; lineage may be Origin::kNone.
OplogInfo oplog_info(const Replay& replay, size_t lineage);

}  // namespace lugger
