// Sources and targets as Lua tables: their contents, and their partitions.
#include "bindings/tables.hpp"

namespace lugger {

static constexpr Field<Partition> kPartition[] = {
    field<&Partition::id>("id"),
    field<&Partition::spec>("spec"),
    field<&Partition::bytes>("bytes"),
    field<&Partition::start>("start", "where it begins; \"\" is its first document"),
    field<&Partition::phase>("phase", "it is begun when all partitions of earlier phases are done"),
};
Record<Partition> record_of(const Partition*) { return {"lugger.partition", "", kPartition}; }

static constexpr Field<PartitionRecord> kPartitionRecord[] = {
    field<&PartitionRecord::id>("id"),
    field<&PartitionRecord::spec>("spec"),
    field<&PartitionRecord::position>("position"),
    field<&PartitionRecord::bytes>("bytes"),
    field<&PartitionRecord::start>("start", "where it begins; \"\" is its first document"),
    field<&PartitionRecord::phase>("phase",
                                   "it is begun when all partitions of earlier phases are done"),
    field<&PartitionRecord::done>("done"),
    field<&PartitionRecord::holder>(
        "holder", "the process that claimed it last, where several share the run"),
    field<&PartitionRecord::held>("held", "its claim has not expired"),
    field<&PartitionRecord::tally>("tally"),
};
Record<PartitionRecord> record_of(const PartitionRecord*) {
  return {"lugger.partition_record", "how far a partition of a run is", kPartitionRecord};
}

static constexpr Field<OplogInfo> kOplogInfo[] = {
    field<&OplogInfo::place>("place", "the file, or the archive that holds it"),
    field<&OplogInfo::entries>("entries"),
    field<&OplogInfo::changes>("changes", "of documents, of all collections"),
    field<&OplogInfo::concern>("concern", "of these, changes of this collection"),
    field<&OplogInfo::first>("first", "time of the first entry: ISO, and as a Timestamp"),
    field<&OplogInfo::last>("last"),
};
Record<OplogInfo> record_of(const OplogInfo*) { return {"lugger.oplog_info", "", kOplogInfo}; }

static constexpr Field<VectorManifest> kVectorManifest[] = {
    field<&VectorManifest::column>("column", "of a source: the path of the field"),
    field<&VectorManifest::model>("model"),
    field<&VectorManifest::revision>("revision"),
    field<&VectorManifest::prefix>("prefix", "put before each text"),
    field<&VectorManifest::pooling>("pooling"),
    field<&VectorManifest::truncation>("truncation",
                                       "tokens of a text that the model saw; 0: unknown"),
    field<&VectorManifest::dimensions>("dimensions", "0: unknown"),
    field<&VectorManifest::normalised>("normalised"),
    field<&VectorManifest::metric>("metric"),
    field<&manifest_words>("words", "for a reader"),
};
Record<VectorManifest> record_of(const VectorManifest*) {
  return {"lugger.vector_manifest", "how vectors were made", kVectorManifest};
}

static constexpr Field<SourceInfo> kSourceInfo[] = {
    field<&SourceInfo::kind>("kind", "to be shown"),
    field<&SourceInfo::rows>("rows", "its documents are rows of a table, whose columns have types"),
    field<&SourceInfo::place>("place", "secrets masked"),
    field<&SourceInfo::database>("database"),
    field<&SourceInfo::collection>("collection"),
    field<&SourceInfo::identity>("identity"),
    field<&SourceInfo::bytes>("bytes"),
    field<&SourceInfo::documents>("documents"),
    field<&SourceInfo::compressed>("compressed"),
    field<&SourceInfo::apart_by>("apart_by", "the field that tells documents of one _id apart"),
    field<&SourceInfo::metadata_json>("metadata_json"),
    field<&SourceInfo::oplog>("oplog", "replayed over the documents"),
    field<&SourceInfo::manifests>("manifests", "how its vectors were made"),
    field<&SourceInfo::warnings>("warnings"),
    field<&SourceInfo::advice>("advice",
                               "for those who look at a source, not for those who run it"),
    field<&SourceInfo::decisions>("decisions",
                                  "what no table has: for its application to replace "
                                  "or decide"),
};
Record<SourceInfo> record_of(const SourceInfo*) { return {"lugger.source_info", "", kSourceInfo}; }

static constexpr Field<CollectionInfo> kCollectionInfo[] = {
    field<&CollectionInfo::database>("database"),
    field<&CollectionInfo::collection>("collection"),
    field<&CollectionInfo::type>("type"),
    field<&CollectionInfo::path>("path"),
    field<&CollectionInfo::bytes>("bytes"),
    field<&CollectionInfo::metadata_json>("metadata_json"),
    field<&CollectionInfo::oplog>("oplog", "whether an oplog is replayed, and changes it",
                                  R"(""|"untouched"|"touched")"),
};
Record<CollectionInfo> record_of(const CollectionInfo*) {
  return {"lugger.collection_info", "", kCollectionInfo};
}

static constexpr Field<PlaceInfo> kPlaceInfo[] = {
    field<&PlaceInfo::collections>("collections", "as they are at the end of the oplog"),
    field<&PlaceInfo::oplog>("oplog"),
    field<&PlaceInfo::advice>("advice", "what a look at the place should tell"),
    field<&PlaceInfo::warnings>("warnings", "what of the place will not be read"),
};
Record<PlaceInfo> record_of(const PlaceInfo*) { return {"lugger.place_info", "", kPlaceInfo}; }

static constexpr Field<TargetColumn> kTargetColumn[] = {
    field<&TargetColumn::name>("name"),           field<&TargetColumn::type>("type"),
    field<&TargetColumn::not_null>("not_null"),   field<&TargetColumn::has_default>("has_default"),
    field<&TargetColumn::generated>("generated"), field<&TargetColumn::identity>("identity"),
};
Record<TargetColumn> record_of(const TargetColumn*) {
  return {"lugger.target_column", "", kTargetColumn};
}

static constexpr Field<TargetReport> kTargetReport[] = {
    field<&TargetReport::place>("place"),
    field<&TargetReport::server>("server"),
    field<&TargetReport::mode>("mode", R"("": the target has one way)",
                               R"(""|"direct"|"staged"|"statement")"),
    field<&TargetReport::mode_reason>("mode_reason"),
    field<&TargetReport::self_contained>("self_contained",
                                         "no table but the job's own has a part in its load"),
    field<&TargetReport::create>("create"),
    field<&TargetReport::after_load>("after_load"),
    field<&TargetReport::index>("index", "DDL of stage index"),
    field<&TargetReport::constrain>("constrain", "DDL of stage constrain"),
    field<&TargetReport::index_memory>("index_memory", "the server's maintenance_work_mem"),
    field<&TargetReport::warnings>("warnings"),
    field<&TargetReport::problems>("problems"),
};
Record<TargetReport> record_of(const TargetReport*) {
  return {"lugger.target_report", "", kTargetReport};
}

}  // namespace lugger
