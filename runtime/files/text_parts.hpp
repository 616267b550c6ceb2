// What sources of text files have in common: JSON and CSV.
#pragma once
#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "files/file_sources.hpp"
#include "files/mapped_file.hpp"
#include "place/spec.hpp"

namespace lugger {

/// Where a part of a text begins, and its first line.
struct TextPart {
  uint64_t begin = 0, line = 1;
};

/// What is known of the file without reading documents.
SourceInfo text_info(std::string kind, const Input& input, const CollectionName& name);
/// The partitions of a file of `size` bytes that is cut there; their specs say offset and line.
std::vector<Partition> text_partitions(std::span<const TextPart> parts, uint64_t size);

/// Where reading begins that has a position: behind what was read before. nullopt: it has none.
std::optional<TextPart> resumed_at(const Position& after, const std::string& place);

/// A part of a mapped file: its reader takes it where it lies.
class MappedPart {
 public:
  MappedPart(const MappedFile& file, ByteRange range, uint64_t from)
      : file_(file), range_(range), from_(from) {}

  void check_size() const { file_.check_size(); }
  /// Gives the reader more; false: there is no more.
  template <typename Reader>
  bool feed(Reader& reader) {
    if (fed_) return ended_ = true, false;
    reader.feed_in_place(file_.bytes().subspan(from_, range_.end - from_));
    return fed_ = true;
  }
  /// Bytes of the part up to where the reader is.
  uint64_t taken(uint64_t consumed) const noexcept {
    return ended_ ? range_.end - range_.begin : std::max(consumed, from_) - range_.begin;
  }
  /// What lies behind these bytes is read next.
  void passed(uint64_t from, uint64_t to) const noexcept {
    MappedFile::prefetch(file_.bytes().data() + from, to - from);
  }

 private:
  const MappedFile& file_;
  ByteRange range_;
  uint64_t from_;
  bool fed_ = false, ended_ = false;
};

/// A text that arrives piece by piece.
class StreamedText {
 public:
  explicit StreamedText(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}

  /// Gives the reader more; false: there is no more.
  template <typename Reader>
  bool feed(Reader& reader) {
    if (ended_) return false;
    const Bytes piece = stream_->next();
    ended_ = piece.empty();
    reader.feed(piece, ended_);
    return true;
  }
  uint64_t taken() const noexcept { return stream_->taken(); }

 private:
  std::unique_ptr<ByteStream> stream_;
  bool ended_ = false;
};

}  // namespace lugger
