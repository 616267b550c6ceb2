#include <algorithm>
#include <mutex>

#include "base/error.hpp"
#include "files/archive_reader.hpp"
#include "place/choose.hpp"
#include "files/file_sources.hpp"
#include "files/metadata.hpp"
#include "files/oplog_place.hpp"
#include "place/spec.hpp"
#include "place/step_cursor.hpp"

namespace lugger {
namespace {

std::vector<CollectionInfo> contents(const ArchiveReader& reader, const std::string& place) {
  std::vector<CollectionInfo> out;
  for (const ArchiveCollection& entry : reader.collections()) {
    CollectionInfo info{entry.database, entry.collection, entry.type, place, 0, ""};
    if (!entry.metadata_json.empty()) {
      Metadata metadata = metadata_from_json(
          entry.metadata_json,
          fmt::format("the metadata of {}.{}", entry.database, entry.collection));
      info.metadata_json = std::move(metadata.json);
      info.fault = std::move(metadata.fault);
    }
    out.push_back(std::move(info));
  }
  return out;
}

class ArchiveCursor : public StepCursor {
 public:
  ArchiveCursor(std::unique_ptr<ArchiveReader> reader, const CollectionInfo& chosen,
                const std::string& place, uint64_t skip)
      : reader_(std::move(reader)) {
    reader_->select(chosen.database, chosen.collection);
    // The documents before the position must be read too, because the checksum covers all of them.
    ByteBuffer passed;
    while (documents_ < skip) {
      const uint32_t size = reader_->next();
      if (size == 0)
        raise(Code::kRead, "{}: holds {} documents, {} were read before", place, documents_, skip);
      passed.clear();
      reader_->read(passed.room(size));
      ++documents_;
    }
  }
  Position position() const override {
    return documents_ == 0 ? Position() : fmt::format("document:{}", documents_);
  }
  uint64_t bytes() const override { return reader_->taken(); }

 private:
  bool step(Batch& batch) override {
    const uint32_t size = reader_->next();
    if (size == 0) return false;
    uint8_t* to = batch.arena().allocate(size);
    reader_->read(to);
    give(batch, to, size);
    ++documents_;
    return true;
  }
  std::unique_ptr<ArchiveReader> reader_;
  uint64_t documents_ = 0;
};

class ArchiveSource : public Source {
 public:
  ArchiveSource(std::shared_ptr<const Input> input, const Options& options)
      : input_(std::move(input)) {
    auto reader = std::make_unique<ArchiveReader>(input_->open(), input_->shown());
    std::vector<CollectionInfo> all = contents(*reader, input_->place());
    all.push_back(
        {"", "oplog", "collection", input_->place(), 0, ""});  // --oplog: not listed in the prelude
    chosen_ = choose_collection(all, options, input_->shown());
    if (!chosen_.fault.empty()) warnings_.push_back(chosen_.fault);
    if (!input_->read_once()) return;
    const bool whole = std::any_of(
        all.begin(), all.end(), [](const CollectionInfo& one) { return one.database == "admin"; });
    if (whole && oplog_choice(options).kind == OplogChoice::Kind::kDefault) {
      warnings_.emplace_back(
          "an oplog in the archive comes last and cannot be replayed from what is read only once: "
          "write the archive to a file first when it was made with --oplog");
    }
    begun_ = std::move(reader);
  }

  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "archive";
    out.place = input_->shown();
    out.database = chosen_.database;
    out.collection = chosen_.collection;
    SourceIdentity identity = input_->identity();
    identity.data += fmt::format(", {}.{}", chosen_.database, chosen_.collection);
    out.identity = identity.text();
    out.bytes = input_->bytes();
    out.compressed = input_->gzip();
    out.metadata_json = chosen_.metadata_json;
    out.warnings = warnings_;
    return out;
  }

  std::vector<Partition> split(int) override { return {Partition{"0", "", input_->bytes()}}; }

  std::unique_ptr<Cursor> open(const Partition&, const Position& after) override {
    input_->check_position(after);
    const uint64_t skip = after.empty() ? 0 : position_number(after, "document", input_->shown());
    return std::make_unique<ArchiveCursor>(reader(), chosen_, input_->shown(), skip);
  }

 private:
  // Standard input was begun when its list of collections was read; a second cursor fails in
  // Input::open().
  std::unique_ptr<ArchiveReader> reader() {
    const std::lock_guard lock(mutex_);
    if (begun_) return std::move(begun_);
    return std::make_unique<ArchiveReader>(input_->open(), input_->shown());
  }

  std::shared_ptr<const Input> input_;
  CollectionInfo chosen_;
  std::vector<std::string> warnings_;
  std::mutex mutex_;
  std::unique_ptr<ArchiveReader> begun_;
};

}  // namespace

std::unique_ptr<Source> make_archive_source(std::shared_ptr<const Input> input,
                                            const Options& options) {
  return std::make_unique<ArchiveSource>(std::move(input), options);
}

std::vector<CollectionInfo> list_archive(const Input& input) {
  return contents(ArchiveReader(input.open(), input.shown()), input.place());
}

}  // namespace lugger
