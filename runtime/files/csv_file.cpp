#include <algorithm>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "files/csv_split.hpp"
#include "files/cut_once.hpp"
#include "files/file_sources.hpp"
#include "files/text_parts.hpp"
#include "place/step_cursor.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/damaged.hpp"

namespace lugger {
namespace {

using Got = CsvReader::Got;

constexpr uint64_t kLeastPart = 4 << 20;

/// Each record's fields as a document: text, or null.
class CsvCursor : public StepCursor {
 public:
  explicit CsvCursor(bool resumed) : given_(resumed) {}
  Position position() const override {
    if (!given_) return {};
    return fmt::format("offset:{} line:{}", at_, line_);
  }

 protected:
  void read(std::unique_ptr<CsvRecords> records) { records_ = std::move(records); }
  void begin_at(uint64_t offset, uint64_t line) { at_ = offset, line_ = line; }
  uint64_t consumed() const noexcept { return records_->reader().consumed(); }

 private:
  bool step(Batch& batch) override {
    const Got got = records_->next();
    if (got == Got::kMore) return false;
    CsvReader& reader = records_->reader();
    document_.clear();
    if (got == Got::kRecord) write(reader.fields());
    if (got == Got::kDamaged) write_damaged(reader.reason(), reader.text());
    if (document_.size() > kMaxBsonBytes)
      write_damaged(fmt::format("line {}, column 1: the record is larger than a document can be",
                                reader.text_line()),
                    reader.text());
    give(batch, batch.arena().copy(document_.view()), static_cast<uint32_t>(document_.size()));
    given_ = true;
    at_ = reader.consumed(), line_ = reader.line();
    return true;
  }

  void write(std::span<const CsvField> fields) {
    const std::vector<std::string>& names = records_->header().names;
    writer_.reset(document_);
    writer_.begin_document();
    for (size_t i = 0; i < fields.size(); ++i) {
      const bool null = records_->shape().is_null(fields[i]);
      writer_.append(names[i],
                     null ? Value::null() : Value::of(ValueType::kString, fields[i].text));
    }
    writer_.end();
  }

  void write_damaged(const std::string& reason, std::string_view text) {
    document_.clear();
    lugger::write_damaged({reason, text.substr(0, CsvReader::kMaxRecord)}, document_);
  }

  std::unique_ptr<CsvRecords> records_;
  ByteBuffer document_;
  BsonWriter writer_{document_};
  uint64_t at_ = 0, line_ = 1;
  bool given_;  // a document, by this cursor or before it
};

/// Text that arrives piece by piece.
class StreamCsvCursor : public CsvCursor {
 public:
  StreamCsvCursor(std::unique_ptr<ByteStream> stream, bool resumed)
      : CsvCursor(resumed), text_(std::move(stream)) {}
  uint64_t bytes() const override { return text_.taken(); }

  CsvRecords::Feed feed() {
    return [this](CsvReader& reader) { return text_.feed(reader); };
  }
  using CsvCursor::begin_at;
  using CsvCursor::read;

 private:
  StreamedText text_;
};

/// A part of a mapped file, read where it lies.
class MappedCsvCursor : public CsvCursor {
 public:
  MappedCsvCursor(const MappedFile& file, ByteRange range, uint64_t from, bool resumed)
      : CsvCursor(resumed), part_(file, range, from) {}
  uint64_t bytes() const override { return part_.taken(consumed()); }

  CsvRecords::Feed feed() {
    return [this](CsvReader& reader) { return part_.feed(reader); };
  }
  using CsvCursor::begin_at;
  using CsvCursor::read;

 private:
  void start() override { part_.check_size(); }

  MappedPart part_;
};

class CsvSource : public Source {
 public:
  CsvSource(std::shared_ptr<const Input> input, CollectionName name, CsvShape shape)
      : input_(std::move(input)), name_(std::move(name)), shape_(std::move(shape)) {
    if (!input_->gzip() && !input_->read_once())
      mapped_ = std::make_unique<MappedFile>(input_->place());
  }

  SourceInfo info() const override { return text_info("csv", *input_, name_); }

  std::vector<Partition> split(int parts) override {
    if (!mapped_) return {Partition{"0", "", input_->bytes()}};
    const uint64_t size = mapped_->bytes().size();
    const uint64_t count = std::min<uint64_t>(std::max(parts, 1), size / kLeastPart);
    if (count <= 1) return text_partitions(std::vector<TextPart>{TextPart{}}, size);
    return cut_.into(parts, [&] { return text_partitions(boundaries(count), size); });
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    const std::string& place = input_->shown();
    input_->check_position(after);
    if (input_->read_once()) return open_once();
    const CsvHeader& head = header();
    const ByteRange range =
        partition_range(partition.spec, mapped_ ? mapped_->bytes().size() : 0, place);
    TextPart begin{head.offset, head.line};
    if (range.begin != 0) begin = {range.begin, position_number(partition.spec, "line", place)};
    begin = resumed_at(after, place).value_or(begin);
    if (!mapped_) return open_stream(begin, !after.empty());
    check_inside(range, begin.begin, after, partition.spec, place);
    auto cursor = std::make_unique<MappedCsvCursor>(*mapped_, range, begin.begin, !after.empty());
    return begun(std::move(cursor), begin);
  }

 private:
  template <typename T>
  std::unique_ptr<Cursor> begun(std::unique_ptr<T> cursor, TextPart begin) {
    auto records = std::make_unique<CsvRecords>(shape_, input_->shown(), cursor->feed());
    records->resume(header(), begin.begin, begin.line);
    cursor->read(std::move(records));
    cursor->begin_at(begin.begin, begin.line);
    return cursor;
  }

  std::unique_ptr<Cursor> open_stream(TextPart begin, bool resumed) {
    auto stream = std::make_unique<SkippingStream>(input_->open(), begin.begin);
    return begun(std::make_unique<StreamCsvCursor>(std::move(stream), resumed), begin);
  }

  /// The header can be read only with the records behind it.
  std::unique_ptr<Cursor> open_once() {
    auto cursor = std::make_unique<StreamCsvCursor>(input_->open(), false);
    cursor->read(std::make_unique<CsvRecords>(shape_, input_->shown(), cursor->feed()));
    return cursor;
  }

  const CsvHeader& header() {
    std::call_once(header_read_, [this] {
      if (!mapped_) {
        header_ = CsvRecords(shape_, input_->shown(), input_->open()).header();
        return;
      }
      CsvRecords records(shape_, input_->shown(), [&, fed = false](CsvReader& reader) mutable {
        if (!fed) reader.feed_in_place(mapped_->bytes());
        return !std::exchange(fed, true);
      });
      header_ = records.header();
    });
    return header_;
  }

  std::vector<TextPart> boundaries(uint64_t count) {
    const CsvHeader& head = header();
    return csv_boundaries(mapped_->bytes(), shape_.dialect, {head.offset, head.line}, count,
                          kLeastPart);
  }

  std::shared_ptr<const Input> input_;
  CollectionName name_;
  CsvShape shape_;
  std::unique_ptr<MappedFile> mapped_;
  CutOnce cut_;
  std::once_flag header_read_;
  CsvHeader header_;
};

}  // namespace

std::unique_ptr<Source> make_csv_source(std::shared_ptr<const Input> input, CollectionName name,
                                        CsvShape shape) {
  return std::make_unique<CsvSource>(std::move(input), std::move(name), std::move(shape));
}

}  // namespace lugger
