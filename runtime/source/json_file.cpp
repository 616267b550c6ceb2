#include "base/error.hpp"
#include "source/file_sources.hpp"
#include "source/json_split.hpp"
#include "source/mapped_file.hpp"
#include "source/spec.hpp"
#include "source/step_cursor.hpp"
#include "value/json_reader.hpp"

namespace lugger {
namespace {

constexpr uint64_t kLeastPart = 4 << 20;

/// Where a cursor begins: between two documents.
struct JsonStart {
  uint64_t offset = 0, line = 1;
  JsonLayout layout = JsonLayout::kLines;
};

/// Text goes to the reader piece by piece; each document's BSON is copied into the batch's arena.
class JsonCursor : public StepCursor {
 public:
  /// done: bytes of the partition before the start.
  JsonCursor(std::unique_ptr<ByteStream> stream, const MappedFile* mapped, std::string place,
             JsonStart start, uint64_t done)
      : stream_(std::move(stream)), mapped_(mapped), place_(std::move(place)), done_(done) {
    if (start.offset != 0) reader_.resume(start.offset, start.line, start.layout);
  }
  Position position() const override {
    if (!given_) return {};
    return fmt::format("offset:{} line:{} layout:{}", reader_.consumed(), reader_.line(),
                       reader_.layout() == JsonLayout::kArray ? "array" : "lines");
  }
  uint64_t bytes() const override { return done_ + stream_->taken(); }
  uint64_t tolerated() const override { return reader_.tolerant(); }

 private:
  void start() override {
    if (mapped_ != nullptr) mapped_->check_size();
  }
  bool step(Batch& batch) override {
    try {
      document_.clear();
      while (!reader_.next(document_)) {
        if (ended_) return false;
        feed();
      }
    } catch (Error& error) {
      error.note("file", place_);
      throw;
    }
    give(batch, batch.arena().copy(document_.view()), static_cast<uint32_t>(document_.size()));
    given_ = true;
    return true;
  }
  void feed() {
    const Bytes piece = stream_->next();
    ended_ = piece.empty();
    reader_.feed(piece, ended_);
  }

  std::unique_ptr<ByteStream> stream_;
  const MappedFile* mapped_;
  std::string place_;
  JsonReader reader_;
  ByteBuffer document_;
  uint64_t done_;
  bool ended_ = false, given_ = false;
};

class JsonSource : public Source {
 public:
  JsonSource(std::shared_ptr<const Input> input, CollectionName name)
      : input_(std::move(input)), name_(std::move(name)) {
    if (!input_->gzip() && !input_->standard_input())
      mapped_ = std::make_unique<MappedFile>(input_->place());
  }

  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "json";
    out.place = input_->shown();
    out.database = name_.database;
    out.collection = name_.collection;
    out.identity = input_->identity();
    out.bytes = input_->bytes();
    out.compressed = input_->gzip();
    out.warnings = name_.warnings;
    return out;
  }

  std::vector<Partition> split(int parts) override {
    if (!mapped_) return {Partition{"0", "", input_->bytes()}};
    const uint64_t size = mapped_->bytes().size();
    std::vector<JsonPart> begins{JsonPart{}};
    if (parts > 1) begins = json_boundaries(mapped_->bytes(), parts, kLeastPart);
    if (begins.size() == 1) return {Partition{"0", "", size}};
    std::vector<Partition> out;
    for (size_t i = 0; i < begins.size(); ++i) {
      const uint64_t end = i + 1 < begins.size() ? begins[i + 1].begin : size;
      out.push_back({std::to_string(i),
                     fmt::format("offset:{}-{} line:{}", begins[i].begin, end, begins[i].line),
                     end - begins[i].begin});
    }
    return out;
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    const std::string& place = input_->shown();
    if (input_->standard_input() && !after.empty()) {
      throw Error(
          Code::kConfig, "a run that read standard input cannot be resumed: its bytes are gone",
          "run again with --restart and --on-conflict skip, or write the export to a file first");
    }
    const ByteRange range =
        partition_range(partition.spec, mapped_ ? mapped_->bytes().size() : 0, place);
    JsonStart start{range.begin, 1, JsonLayout::kLines};
    if (range.begin != 0) start.line = position_number(partition.spec, "line", place);
    if (!after.empty()) {
      start.offset = position_number(after, "offset", place);
      start.line = position_number(after, "line", place);
      if (spec_field(after, "layout") == "array") start.layout = JsonLayout::kArray;
    }
    if (!mapped_) return open_stream(start);
    if (start.offset < range.begin || start.offset > range.end) {
      raise(Code::kConfig, "{}: position {} lies outside of partition {}", place, after,
            partition.spec);
    }
    auto stream = std::make_unique<MemoryStream>(
        mapped_->bytes().subspan(start.offset, range.end - start.offset));
    return std::make_unique<JsonCursor>(std::move(stream), mapped_.get(), place, start,
                                        start.offset - range.begin);
  }

 private:
  std::unique_ptr<Cursor> open_stream(const JsonStart& start) {
    auto stream = std::make_unique<SkippingStream>(input_->open(), start.offset);
    return std::make_unique<JsonCursor>(std::move(stream), nullptr, input_->shown(), start, 0);
  }

  std::shared_ptr<const Input> input_;
  CollectionName name_;
  std::unique_ptr<MappedFile> mapped_;
};

}  // namespace

std::unique_ptr<Source> make_json_source(std::shared_ptr<const Input> input, CollectionName name) {
  return std::make_unique<JsonSource>(std::move(input), std::move(name));
}

}  // namespace lugger
