#include "files/replay.hpp"

#include <algorithm>
#include <mutex>

#include "base/error.hpp"
#include "base/text.hpp"
#include "change/fold.hpp"
#include "change/id_key.hpp"
#include "change/metadata.hpp"
#include "files/capped.hpp"
#include "place/choose.hpp"
#include "place/spec.hpp"
#include "value/json_reader.hpp"

namespace lugger {
namespace {

constexpr std::string_view kOplogPart = "oplog", kCappedPart = "capped";

std::string full_name(const CollectionInfo& info) {
  return info.database.empty() ? info.collection : info.database + "." + info.collection;
}

/// 16 bytes, or "".
std::string uuid_of(const std::string& metadata_json) {
  if (metadata_json.empty()) return {};
  const std::string document = bson_from_json(metadata_json);
  const Value uuid = bson_field(as_bytes(document), "uuid");
  if (uuid.type != ValueType::kString) return {};
  const std::optional<std::string> bytes = from_hex(uuid.text());
  return bytes && bytes->size() == 16 ? *bytes : std::string();
}

std::string told_as_left_out(const Lineage& lineage, const Replay& replay) {
  return fmt::format(
      "{}: {} changes of {} ({} inserts, {} replacements, {} updates, {} deletes) are left out, "
      "for the collection is not in the dump, and the oplog does not begin with its creation",
      replay.place.shown, lineage.changes(), lineage.ns, lineage.inserts, lineage.replacements,
      lineage.updates, lineage.deletes);
}

std::string type_of(const Lineage& lineage) {
  for (const std::string& command : lineage.commands) {
    if (bson_field(as_bytes(command), "viewOn").type != ValueType::kMissing) return "view";
    if (bson_field(as_bytes(command), "timeseries").type != ValueType::kMissing)
      return "timeseries";
  }
  return "collection";
}

/// The dump's documents: those that the oplog contains completely are left out, the others updated.
class ReplayCursor : public Cursor {
 public:
  ReplayCursor(std::unique_ptr<Cursor> before, std::shared_ptr<const Fold> fold, std::string place)
      : before_(std::move(before)), fold_(std::move(fold)), place_(std::move(place)) {}

  Next next(Batch& batch, const StopFlag& stop) override {
    for (;;) {
      const size_t first = batch.documents.size();
      const Next got = before_->next(batch, stop);
      if (got != Next::kBatch) return got;
      size_t to = first;
      for (size_t i = first; i < batch.documents.size(); ++i) {
        Document document = batch.documents[i];
        if (replay(batch, document)) {
          batch.documents[to++] = document;
        } else {
          batch.source_bytes -= std::min<uint64_t>(batch.source_bytes, document.size);
        }
      }
      batch.documents.resize(to);
      if (to != first) return got;
    }
  }
  Position position() const override { return before_->position(); }
  uint64_t bytes() const override { return before_->bytes(); }
  ReadCounts counts() const override {
    ReadCounts out = before_->counts();
    return out += counts_;
  }

 private:
  /// False: the document is left out.
  bool replay(Batch& batch, Document& document) {
    if (!make_id_key(bson_field(document.bytes(), "_id"), key_)) return true;
    const auto folded = fold_->find(key_.view(), hash_of(key_.view()));
    if (!folded) return true;
    if (folded->outcome != Outcome::kUpdates) {
      counts_.removed += folded->outcome == Outcome::kGone ? 1 : 0;
      return false;
    }
    // A document that is not valid BSON is refused later; no update can change that.
    if (validate_bson(document.bytes()) != BsonFault::kNone) return true;
    const Bytes now = Fold::update(document.bytes(), folded->body, one_, other_, place_);
    document.data = batch.arena().copy(now);
    document.size = static_cast<uint32_t>(now.size());
    ++counts_.updated;
    return true;
  }

  std::unique_ptr<Cursor> before_;
  std::shared_ptr<const Fold> fold_;
  std::string place_;
  ByteBuffer key_, one_, other_;
  ReadCounts counts_;
};

/// Documents that the oplog contains completely. They are stored in the fold, which the source
/// owns.
class WholeCursor : public Cursor {
 public:
  WholeCursor(std::shared_ptr<const Fold> fold, uint64_t after)
      : fold_(std::move(fold)), after_(after) {}

  Next next(Batch& batch, const StopFlag&) override {
    const size_t first = batch.documents.size();
    while (batch.documents.size() < batch.max_documents && batch.source_bytes < batch.max_bytes) {
      const Bytes document = fold_->next_document(after_);
      if (document.empty()) break;
      batch.documents.push_back(
          {document.data(), static_cast<uint32_t>(document.size()), Format::kBson, nullptr});
      batch.source_bytes += document.size();
      ++counts_.added;
    }
    return batch.documents.size() != first ? Next::kBatch : Next::kEnd;
  }
  Position position() const override {
    return after_ == 0 ? Position() : fmt::format("folded:{}", after_);
  }
  uint64_t bytes() const override { return 0; }  // the oplog is no part of the source's size
  ReadCounts counts() const override { return counts_; }

 private:
  std::shared_ptr<const Fold> fold_;
  uint64_t after_;
  ReadCounts counts_;
};

class ReplaySource : public Source {
 public:
  ReplaySource(std::unique_ptr<Source> before, std::shared_ptr<const Replay> replay,
               CollectionInfo info, size_t lineage, std::vector<std::string> warnings)
      : before_(std::move(before)),
        replay_(std::move(replay)),
        info_(std::move(info)),
        lineage_(lineage),
        warnings_(std::move(warnings)) {
    if (lineage_ != ReplayedCollections::Origin::kNone) own_ = &replay_->summary.lineages[lineage_];
    if (own_ != nullptr && own_->empty_at != 0) before_.reset();
    limits_ = own_ == nullptr ? CappedLimits() : capped_limits(info_.metadata_json);
  }

  SourceInfo info() const override {
    SourceInfo out;
    if (before_) {
      out = before_->info();
    } else {
      out.kind = "bson";
      out.place = replay_->place.shown;
      out.identity = full_name(info_);
    }
    out.database = info_.database;
    out.collection = info_.collection;
    out.metadata_json = info_.metadata_json;
    out.identity = join_identities(out.identity, "replayed", replay_->place.identity);
    if (own_ != nullptr) out.documents.reset();
    out.oplog = oplog_info(*replay_, lineage_);
    out.warnings.insert(out.warnings.end(), warnings_.begin(), warnings_.end());
    const OplogSummary& summary = replay_->summary;
    if (summary.open_transactions != 0) {
      out.warnings.push_back(
          fmt::format("{} transactions were not committed when the oplog ends: what they did is "
                      "left out",
                      summary.open_transactions));
    }
    for (const auto& [command, count] : summary.ignored) {
      out.warnings.push_back(fmt::format(
          "the oplog has {} of the command {}, which changes no documents", count, command));
    }
    return out;
  }

  std::vector<std::string> told_at_end(bool all_by_this, const StopFlag& stop) override {
    if (own_ == nullptr || own_->updates + own_->replacements == 0) return {};
    Fold::Unmet unmet = fold()->unmet();
    if (unmet.documents != 0 && !all_by_this) unmet = look_again(stop);
    if (unmet.documents == 0) return {};
    const bool one = unmet.documents == 1;
    return {fmt::format(
        "{}: {} {} in entry {}{} {} neither in the dump nor in the oplog, and nothing came of the "
        "updates: the oplog belongs to another dump, or the dump is not whole",
        replay_->place.shown, unmet.documents,
        one ? "document that is updated" : "documents that are updated, the first", unmet.entry,
        one ? "" : ",", one ? "is" : "are")};
  }

  std::vector<Partition> split(int parts) override {
    if (capped())
      return {Partition{"0", std::string(kCappedPart), before_ ? before_->info().bytes : 0}};
    std::vector<Partition> out;
    if (before_) out = before_->split(parts);
    if (adds()) out.push_back({std::to_string(out.size()), std::string(kOplogPart), 0});
    return out;
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    if (partition.spec == kCappedPart) return open_capped(after);
    if (partition.spec != kOplogPart) return open_before(partition, after);
    const uint64_t from = after.empty() ? 0 : position_number(after, "folded", info().place);
    return std::make_unique<WholeCursor>(fold(), from);
  }

 private:
  bool adds() const noexcept { return own_ != nullptr && own_->inserts + own_->replacements != 0; }
  bool capped() const noexcept { return limits_.capped && adds(); }

  std::unique_ptr<Cursor> open_before(const Partition& partition, const Position& after) {
    std::unique_ptr<Cursor> cursor = before_->open(partition, after);
    if (own_ == nullptr || own_->changes() == 0) return cursor;
    return std::make_unique<ReplayCursor>(std::move(cursor), fold(), replay_->place.shown);
  }

  /// Looks up again the documents that an earlier process has read.
  Fold::Unmet look_again(const StopFlag& stop) {
    Arena arena;
    Batch batch(arena);
    for (const Partition& partition : before_ ? before_->split(1) : std::vector<Partition>()) {
      const std::unique_ptr<Cursor> cursor = open_before(partition, {});
      for (; !stop.requested() && cursor->fill(batch, stop); batch.clear()) arena.reset();
    }
    return stop.requested() ? Fold::Unmet() : fold()->unmet();
  }

  std::unique_ptr<Cursor> open_capped(const Position& after) {
    std::vector<OpenPart> parts;
    if (before_) {
      for (const Partition& partition : before_->split(1))
        parts.emplace_back([this, partition] { return open_before(partition, {}); });
    }
    parts.emplace_back([this] { return std::make_unique<WholeCursor>(fold(), 0); });
    return lugger::open_capped(std::move(parts), limits_, after, info_.path);
  }

  /// Made when the first cursor needs it.
  std::shared_ptr<const Fold> fold() {
    const std::lock_guard lock(mutex_);
    if (fold_) return fold_;
    FoldSettings settings;
    settings.ordered = limits_.capped;
    FoldBuilder builder(settings, replay_->place.shown);
    walk_changes(replay_->place.open, replay_->place.shown, replay_->summary, lineage_,
                 [&](const Change& change) { builder.add(change); });
    fold_ = std::make_shared<const Fold>(builder.finish());
    return fold_;
  }

  std::unique_ptr<Source> before_;
  std::shared_ptr<const Replay> replay_;
  CollectionInfo info_;
  size_t lineage_;
  std::vector<std::string> warnings_;
  const Lineage* own_ = nullptr;  // none: the oplog does not touch the collection
  CappedLimits limits_;
  std::mutex mutex_;
  std::shared_ptr<const Fold> fold_;
};

}  // namespace

std::shared_ptr<const Replay> begin_replay(std::optional<OplogPlace> place, const Options& options,
                                           std::string_view shown) {
  if (!place) return nullptr;
  OplogSummary summary = summarise_oplog(place->open, place->shown);
  if (summary.entries == 0 && !place->certain) {
    if (oplog_choice(options).kind == OplogChoice::Kind::kYes) refuse_missing_oplog(shown);
    return nullptr;
  }
  return std::make_shared<const Replay>(Replay{std::move(*place), std::move(summary)});
}

ReplayedCollections replayed_collections(const std::vector<CollectionInfo>& before,
                                         const Replay& replay, bool whole) {
  const OplogSummary& summary = replay.summary;
  std::vector<DumpFile> files;
  for (const CollectionInfo& info : before)
    files.push_back({full_name(info), uuid_of(info.metadata_json)});
  ReplayedCollections out;
  std::vector<EndState> ends = end_states(summary.lineages, summary.dropped_databases, files);
  std::sort(ends.begin(), ends.end(),
            [](const EndState& a, const EndState& b) { return a.ns < b.ns; });
  for (const EndState& end : ends) {
    CollectionInfo info;
    const std::string database(database_of(end.ns));
    if (end.file != EndState::kNone) info = before[end.file];
    if (end.lineage != EndState::kNone) {
      const bool known = std::any_of(before.begin(), before.end(), [&](const CollectionInfo& one) {
        return one.database == database;
      });
      if (!whole && !known) continue;
      const Lineage& lineage = summary.lineages[end.lineage];
      info.database = database;
      info.collection = end.ns.substr(std::min(database.size() + 1, end.ns.size()));
      info.metadata_json = metadata_after(info.metadata_json, lineage);
      if (end.file == EndState::kNone) {
        info.type = type_of(lineage);
        info.path = replay.place.shown;
      }
    }
    info.oplog = end.lineage == EndState::kNone ? "untouched" : "touched";
    out.infos.push_back(std::move(info));
    out.origins.push_back({end.file, end.lineage});
  }
  return out;
}

std::vector<std::string> left_out(const std::vector<CollectionInfo>& before,
                                  const ReplayedCollections& now, const Replay& replay,
                                  bool whole) {
  std::vector<std::string> out;
  const std::vector<Lineage>& lineages = replay.summary.lineages;
  for (size_t i = 0; i < lineages.size(); ++i) {
    const bool kept =
        std::any_of(now.origins.begin(), now.origins.end(),
                    [&](const ReplayedCollections::Origin& origin) { return origin.lineage == i; });
    const bool known = std::any_of(before.begin(), before.end(), [&](const CollectionInfo& info) {
      return info.database == database_of(lineages[i].ns);
    });
    if (kept || lineages[i].ns.empty() || lineages[i].changes() == 0 || (!whole && !known))
      continue;
    out.push_back(told_as_left_out(lineages[i], replay));
  }
  return out;
}

void refuse_gone(const Replay& replay, const ReplayedCollections& now, const Options& options,
                 std::string_view place) {
  const std::string wanted = options.text("collection"), database = options.text("database");
  if (wanted.empty()) return;
  for (const CollectionInfo& info : now.infos) {
    if (full_name(info) == wanted || info.collection == wanted) return;
  }
  for (const Lineage& lineage : replay.summary.lineages) {
    const std::string_view of = database_of(lineage.ns);
    const std::string_view name =
        std::string_view(lineage.ns).substr(std::min(of.size() + 1, lineage.ns.size()));
    if (lineage.created || lineage.changes() == 0) continue;
    if (lineage.ns != wanted && (name != wanted || (!database.empty() && of != database))) continue;
    throw Error(Code::kConfig, told_as_left_out(lineage, replay),
                "dump the collection too, or begin the oplog before it was created");
  }
  for (const std::string& ns : {wanted, database + "." + wanted}) {
    const std::string reason = reason_gone(replay.summary.lineages, ns);
    if (reason.empty()) continue;
    throw Error(Code::kConfig,
                fmt::format("{}: {} {}, says {}", place, ns, reason, replay.place.shown),
                "oplog = false reads the dump as it was before");
  }
}

std::unique_ptr<Source> make_replayed_source(std::unique_ptr<Source> before,
                                             std::shared_ptr<const Replay> replay,
                                             const CollectionInfo& info, size_t lineage,
                                             std::vector<std::string> warnings) {
  return std::make_unique<ReplaySource>(std::move(before), std::move(replay), info, lineage,
                                        std::move(warnings));
}

std::string database_in_oplog(const Replay& replay, std::string_view collection) {
  std::string out;
  for (const Lineage& lineage : replay.summary.lineages) {
    const std::string& ns = lineage.claims.front().ns;
    const std::string_view database = database_of(ns);
    if (ns.substr(std::min(database.size() + 1, ns.size())) != collection || out == database)
      continue;
    if (!out.empty()) {
      throw Error(Code::kConfig,
                  fmt::format("{} has a collection {} in {} and in {}", replay.place.shown,
                              collection, out, database),
                  "say which is meant: database = '...'");
    }
    out = database;
  }
  return out;
}

OplogInfo oplog_info(const Replay& replay, size_t lineage) {
  const OplogSummary& summary = replay.summary;
  OplogInfo out;
  out.place = replay.place.shown;
  out.entries = summary.entries;
  out.changes = summary.changes;
  if (lineage != ReplayedCollections::Origin::kNone)
    out.concern = summary.lineages[lineage].changes();
  out.first = time_text(summary.first);
  out.last = time_text(summary.last);
  return out;
}

}  // namespace lugger
