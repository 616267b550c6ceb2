#include "base/error.hpp"
#include "files/bson_chain.hpp"
#include "files/cut_once.hpp"
#include "files/file_sources.hpp"
#include "files/mapped_file.hpp"
#include "place/spec.hpp"
#include "place/step_cursor.hpp"

namespace lugger {
namespace {

constexpr uint64_t kLeastPart = 4 << 20;

/// Documents are pointers into the mapping, which the source keeps.
class MappedBsonCursor : public StepCursor {
 public:
  MappedBsonCursor(const MappedFile& file, ByteRange range, uint64_t at)
      : file_(file), begin_(range.begin), at_(at), end_(range.end) {}
  Position position() const override {
    return at_ == 0 ? Position() : fmt::format("offset:{}", at_);
  }
  uint64_t bytes() const override { return at_ - begin_; }

 private:
  void start() override { file_.check_size(); }
  bool step(Batch& batch) override {
    if (at_ >= end_) return false;
    const uint8_t* at = file_.bytes().data() + at_;
    const Link link = check_link(at, end_ - at_);
    if (link.fault != ChainFault::kNone) raise_chain(file_.path(), at_, link, end_ - at_);
    MappedFile::prefetch(at, link.size());
    give(batch, at, link.size());
    at_ += link.size();
    return true;
  }

  const MappedFile& file_;
  uint64_t begin_, at_, end_;
};

/// Documents are read into the batch's arena.
class StreamBsonCursor : public StepCursor {
 public:
  StreamBsonCursor(std::unique_ptr<ByteStream> stream, std::string place, uint64_t skip)
      : reader_(std::move(stream)), place_(std::move(place)) {
    while (documents_ < skip) {
      const uint32_t size = next_size();
      if (size == 0)
        raise(Code::kRead, "{}: holds {} documents, {} were read before", place_, documents_, skip);
      finish(reader_.skip(size - sizeof prefix_), size);
    }
  }
  Position position() const override {
    return documents_ == 0 ? Position() : fmt::format("document:{}", documents_);
  }
  uint64_t bytes() const override { return reader_.taken(); }

 private:
  bool step(Batch& batch) override {
    const uint32_t size = next_size();
    if (size == 0) return false;
    uint8_t* to = batch.arena().allocate(size);
    std::memcpy(to, prefix_, sizeof prefix_);
    finish(reader_.read(to + sizeof prefix_, size - sizeof prefix_), size);
    give(batch, to, size);
    return true;
  }
  /// 0 at the end.
  uint32_t next_size() {
    offset_ = reader_.offset();
    const size_t got = reader_.read(prefix_, sizeof prefix_);
    if (got == 0) return 0;
    const Link link = check_link(prefix_, got < sizeof prefix_ ? got : kMaxBsonBytes);
    if (link.fault != ChainFault::kNone) raise_chain(place_, offset_, link, got);
    return link.size();
  }
  void finish(size_t got, uint32_t size) {
    if (got != size - sizeof prefix_) {
      const Link link{static_cast<int32_t>(size), ChainFault::kCutDocument};
      raise_chain(place_, offset_, link, got + sizeof prefix_);
    }
    ++documents_;
  }

  ByteReader reader_;
  std::string place_;
  uint8_t prefix_[4] = {};
  uint64_t offset_ = 0, documents_ = 0;
};

class BsonSource : public Source {
 public:
  BsonSource(std::shared_ptr<const Input> input, CollectionName name)
      : input_(std::move(input)), name_(std::move(name)) {
    if (!input_->gzip() && !input_->read_once())
      mapped_ = std::make_unique<MappedFile>(input_->place());
  }

  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "bson";
    out.byte_addressed = true;
    out.place = input_->shown();
    out.database = name_.database;
    out.collection = name_.collection;
    out.identity = input_->identity().text();
    out.bytes = input_->bytes();
    if (mapped_ && mapped_->bytes().empty()) out.documents = 0;
    out.compressed = input_->gzip();
    out.metadata_json = name_.metadata_json;
    out.warnings = name_.warnings;
    out.advice = name_.advice;
    return out;
  }

  std::vector<Partition> split(int parts) override {
    if (!mapped_) return {Partition{"0", "", input_->bytes()}};
    return cut_.into(parts, [&] { return mapped_parts(parts); });
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    if (mapped_) return open_mapped(partition, after);
    input_->check_position(after);
    const uint64_t skip = after.empty() ? 0 : position_number(after, "document", input_->shown());
    return std::make_unique<StreamBsonCursor>(input_->open(), input_->shown(), skip);
  }

 private:
  std::vector<Partition> mapped_parts(int parts) const {
    const uint64_t size = mapped_->bytes().size();
    std::vector<uint64_t> begins{0};
    if (parts > 1) begins = bson_boundaries(mapped_->bytes(), parts, kLeastPart);
    std::vector<Partition> out;
    for (size_t i = 0; i < begins.size(); ++i) {
      const uint64_t end = i + 1 < begins.size() ? begins[i + 1] : size;
      out.push_back(
          {std::to_string(i), fmt::format("offset:{}-{}", begins[i], end), end - begins[i]});
    }
    return out;
  }

  std::unique_ptr<Cursor> open_mapped(const Partition& partition, const Position& after) {
    const ByteRange range =
        partition_range(partition.spec, mapped_->bytes().size(), input_->shown());
    uint64_t at = range.begin;
    if (!after.empty()) {
      at = position_number(after, "offset", input_->shown());
      check_inside(range, at, after, partition.spec, input_->shown());
    }
    return std::make_unique<MappedBsonCursor>(*mapped_, range, at);
  }

  std::shared_ptr<const Input> input_;
  CollectionName name_;
  std::unique_ptr<MappedFile> mapped_;
  CutOnce cut_;
};

}  // namespace

std::unique_ptr<Source> make_bson_source(std::shared_ptr<const Input> input, CollectionName name) {
  return std::make_unique<BsonSource>(std::move(input), std::move(name));
}

}  // namespace lugger
