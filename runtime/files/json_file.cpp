#include <algorithm>

#include "base/error.hpp"
#include "files/cut_once.hpp"
#include "files/file_sources.hpp"
#include "files/json_split.hpp"
#include "files/manifest_file.hpp"
#include "files/text_parts.hpp"
#include "place/step_cursor.hpp"
#include "plan/infer.hpp"
#include "value/json_reader.hpp"

namespace lugger {
namespace {

constexpr uint64_t kLeastPart = 4 << 20;

/// Where a cursor begins: between two documents.
struct JsonStart {
  uint64_t offset = 0, line = 1;
  JsonLayout layout = JsonLayout::kLines;
  bool resumed = false;
};

/// Each document's BSON is copied into the batch's arena.
class JsonCursor : public StepCursor {
 public:
  JsonCursor(std::string place, JsonForm form, JsonStart start)
      : reader_(form), place_(std::move(place)), given_(start.resumed) {
    if (start.offset != 0) reader_.resume(start.offset, start.line, start.layout);
  }
  Position position() const override {
    if (!given_) return {};
    return fmt::format("offset:{} line:{} layout:{}", reader_.consumed(), reader_.line(),
                       reader_.layout() == JsonLayout::kArray ? "array" : "lines");
  }
  ReadCounts counts() const override {
    ReadCounts out;
    out.tolerated = reader_.tolerant();
    return out;
  }

 protected:
  /// Gives the reader more; false: there is no more.
  virtual bool feed() = 0;
  /// A document was read: these bytes of the input.
  virtual void passed(uint64_t /*from*/, uint64_t /*to*/) {}

  JsonReader reader_;

 private:
  bool step(Batch& batch) override {
    const uint64_t before = reader_.consumed();
    document_.clear();
    try {
      while (!reader_.next(document_)) {
        if (!feed()) return false;
      }
    } catch (Error& error) {
      pass_damaged(error);
    }
    give(batch, batch.arena().copy(document_.view()), static_cast<uint32_t>(document_.size()));
    given_ = true;
    passed(before, reader_.consumed());
    return true;
  }

  /// Passes on an invalid line as a document that cannot be read. Throws when the next document
  /// cannot be found.
  void pass_damaged(Error& error) {
    const bool parsing = error.code() == Code::kParse;
    while (!parsing || !reader_.pass_damaged(error.message(), document_)) {
      if (parsing && feed()) continue;
      error.note("file", place_);
      throw Error(error);
    }
  }

  std::string place_;
  ByteBuffer document_;
  bool given_;  // a document, by this cursor or before it
};

/// Text that arrives piece by piece.
class StreamJsonCursor : public JsonCursor {
 public:
  StreamJsonCursor(std::unique_ptr<ByteStream> stream, const std::string& place, JsonForm form,
                   JsonStart start)
      : JsonCursor(place, form, start), text_(std::move(stream)) {}
  uint64_t bytes() const override { return text_.taken(); }

 private:
  bool feed() override { return text_.feed(reader_); }

  StreamedText text_;
};

/// A part of a mapped file, read where it lies.
class MappedJsonCursor : public JsonCursor {
 public:
  MappedJsonCursor(const MappedFile& file, const std::string& place, JsonForm form, ByteRange range,
                   JsonStart start)
      : JsonCursor(place, form, start), part_(file, range, start.offset) {}
  uint64_t bytes() const override { return part_.taken(reader_.consumed()); }

 private:
  void start() override { part_.check_size(); }
  void passed(uint64_t from, uint64_t to) override { part_.passed(from, to); }
  bool feed() override { return part_.feed(reader_); }

  MappedPart part_;
};
static_assert(MappedFile::kPadding >= JsonReader::kPadding);

class JsonSource : public Source {
 public:
  JsonSource(std::shared_ptr<const Input> input, CollectionName name, JsonForm form)
      : input_(std::move(input)), name_(std::move(name)), form_(form) {
    if (!input_->gzip() && !input_->read_once())
      mapped_ = std::make_unique<MappedFile>(input_->place());
    if (input_->read_once()) return;
    manifests_ = read_manifest_file(input_->path());
    for (VectorManifest& one : manifests_) one.column = escaped_path(one.column);
  }

  SourceInfo info() const override {
    SourceInfo out = text_info("json", *input_, name_);
    out.manifests = manifests_;
    return out;
  }

  std::vector<Partition> split(int parts) override {
    if (!mapped_) return {Partition{"0", "", input_->bytes()}};
    const uint64_t size = mapped_->bytes().size();
    if (parts <= 1) return {Partition{"0", "", size}};
    return cut_.into(parts, [&] {
      return text_partitions(json_boundaries(mapped_->bytes(), parts, kLeastPart), size);
    });
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    const std::string& place = input_->shown();
    input_->check_position(after);
    const ByteRange range =
        partition_range(partition.spec, mapped_ ? mapped_->bytes().size() : 0, place);
    JsonStart start{range.begin, 1, JsonLayout::kLines};
    if (range.begin != 0) start.line = position_number(partition.spec, "line", place);
    if (const auto resumed = resumed_at(after, place)) {
      start = {resumed->begin, resumed->line, JsonLayout::kLines, true};
      if (spec_field(after, "layout") == "array") start.layout = JsonLayout::kArray;
    }
    if (!mapped_) return open_stream(start);
    check_inside(range, start.offset, after, partition.spec, place);
    return std::make_unique<MappedJsonCursor>(*mapped_, place, form_, range, start);
  }

 private:
  std::unique_ptr<Cursor> open_stream(const JsonStart& start) {
    auto stream = std::make_unique<SkippingStream>(input_->open(), start.offset);
    return std::make_unique<StreamJsonCursor>(std::move(stream), input_->shown(), form_, start);
  }

  std::shared_ptr<const Input> input_;
  CollectionName name_;
  JsonForm form_;
  std::vector<VectorManifest> manifests_;
  std::unique_ptr<MappedFile> mapped_;
  CutOnce cut_;
};

}  // namespace

std::unique_ptr<Source> make_json_source(std::shared_ptr<const Input> input, CollectionName name,
                                         JsonForm form) {
  return std::make_unique<JsonSource>(std::move(input), std::move(name), form);
}

}  // namespace lugger
