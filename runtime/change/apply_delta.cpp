// $v: 2 diffs. A document diff has the sections d (deleted), u (updated in place), i (inserted at
// the end), b (bytes of a binary) and s<field> (a diff of what the field holds); an array diff
// begins with a: true and has l (its size), u<index> and s<index>.
#include <algorithm>
#include <charconv>
#include <vector>

#include "change/apply.hpp"
#include "change/bson_build.hpp"

namespace lugger {
namespace {

constexpr int kDepth = kMaxBsonDepth + 10;
constexpr uint64_t kNoSize = UINT64_MAX;

enum class Edit : uint8_t { kDelete, kUpdate, kInsert, kBytes, kDiff };

/// What happens to one field. `bytes` is the new element, or the diff.
struct FieldEdit {
  std::string_view name;
  Edit edit;
  Bytes bytes;
  bool done = false;
};

bool is_array_diff(Bytes diff) noexcept {
  BsonReader reader(diff);
  return reader.next() && reader.name() == "a" && reader.value().type == ValueType::kBool;
}

class DeltaApplier {
 public:
  explicit DeltaApplier(ByteBuffer& out) : out_(out), start_(out.size()) {}

  ApplyFault fault() const noexcept { return fault_; }

  void document(Bytes pre, Bytes diff, int depth) {
    const size_t first = edits_.size();
    if (depth > kDepth) return fail(ApplyFault::kTooDeep);
    read_document_diff(diff);
    sort_names(first);
    const size_t last = edits_.size();
    if (fault_ != ApplyFault::kNone) return;
    BsonBuild build(out_);
    BsonReader reader(pre);
    while (fault_ == ApplyFault::kNone && reader.next()) {
      FieldEdit* edit = find(first, last, reader.name());
      if (edit == nullptr) {
        out_.append(reader.element());
      } else {
        field(build, reader, *edit, depth);
      }
    }
    if (reader.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
    for (const Edit kind : {Edit::kUpdate, Edit::kInsert}) {
      for (size_t i = first; i < last; ++i) {
        if (edits_[i].edit == kind && !edits_[i].done) out_.append(edits_[i].bytes);
      }
    }
    build.end();
    edits_.resize(first);
    by_name_.resize(first);
  }

 private:
  void fail(ApplyFault fault) noexcept {
    if (fault_ == ApplyFault::kNone) fault_ = fault;
  }

  void read_document_diff(Bytes diff) {
    BsonReader reader(diff);
    while (reader.next()) {
      const std::string_view key = reader.name();
      const Value& value = reader.value();
      if (key.empty() || value.type != ValueType::kDocument)
        return fail(ApplyFault::kUnknownSection);
      if (key[0] == 's') {
        edits_.push_back({key.substr(1), Edit::kDiff, value.bytes()});
      } else if (key == "d") {
        read_section(value.bytes(), Edit::kDelete);
      } else if (key == "u") {
        read_section(value.bytes(), Edit::kUpdate);
      } else if (key == "i") {
        read_section(value.bytes(), Edit::kInsert);
      } else if (key == "b") {
        read_section(value.bytes(), Edit::kBytes);
      } else {
        return fail(ApplyFault::kUnknownSection);
      }
    }
    if (reader.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
  }

  void read_section(Bytes section, Edit edit) {
    BsonReader reader(section);
    while (reader.next()) {
      Bytes bytes = reader.element();
      if (edit == Edit::kBytes) {
        if (reader.value().type != ValueType::kDocument) return fail(ApplyFault::kUnknownSection);
        bytes = reader.value().bytes();
      }
      edits_.push_back({reader.name(), edit, bytes});
    }
    if (reader.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
  }

  // Places of the edits from `first` on, in the order of their names.
  void sort_names(size_t first) {
    for (size_t i = first; i < edits_.size(); ++i) by_name_.push_back(static_cast<uint32_t>(i));
    std::sort(by_name_.begin() + static_cast<ptrdiff_t>(first), by_name_.end(),
              [this](uint32_t a, uint32_t b) { return edits_[a].name < edits_[b].name; });
    for (size_t i = first + 1; i < by_name_.size(); ++i) {
      if (edits_[by_name_[i - 1]].name == edits_[by_name_[i]].name) fail(ApplyFault::kConflict);
    }
  }

  FieldEdit* find(size_t first, size_t last, std::string_view name) {
    const auto begin = by_name_.begin();
    const auto end = begin + static_cast<ptrdiff_t>(last);
    const auto at =
        std::lower_bound(begin + static_cast<ptrdiff_t>(first), end, name,
                         [this](uint32_t i, std::string_view n) { return edits_[i].name < n; });
    return at == end || edits_[*at].name != name ? nullptr : &edits_[*at];
  }

  void field(BsonBuild& build, const BsonReader& reader, FieldEdit& edit, int depth) {
    const std::string_view name = reader.name();
    switch (edit.edit) {
      case Edit::kDelete:
      case Edit::kInsert: return;  // an insert puts it at the end
      case Edit::kUpdate:
        edit.done = true;
        out_.append(edit.bytes);
        return;
      case Edit::kBytes: return patch(build, name, reader.value(), edit.bytes);
      case Edit::kDiff: return inside(build, name, reader.value(), edit.bytes, depth);
    }
  }

  // The value's content is changed by its own diff. A value of another type is newer than the diff:
  // it becomes null, and a later entry sets it.
  template <typename Name>
  void inside(BsonBuild& build, Name name, const Value& value, Bytes diff, int depth) {
    const bool array = is_array_diff(diff);
    if (value.type == ValueType::kDocument && !array) {
      build.header(kBsonDocument, name);
      document(value.bytes(), diff, depth + 1);
    } else if (value.type == ValueType::kArray && array) {
      build.header(kBsonArray, name);
      this->array(value.bytes(), diff, depth + 1);
    } else {
      build.header(kBsonNull, name);
    }
  }

  // {o: offset, d: binary}: the bytes from there on are new.
  void patch(BsonBuild& build, std::string_view name, const Value& value, Bytes diff) {
    const Value offset = bson_field(diff, "o"), data = bson_field(diff, "d");
    const bool number = offset.type == ValueType::kInt32 || offset.type == ValueType::kInt64;
    if (!number || offset.i64 < 0 || data.type != ValueType::kBinary)
      return fail(ApplyFault::kUnknownSection);
    if (value.type != ValueType::kBinary || static_cast<uint64_t>(offset.i64) > value.size) {
      build.header(kBsonNull, name);
      return;
    }
    const auto kept = static_cast<size_t>(offset.i64);
    build.header(kBsonBinary, name);
    out_.append_le(static_cast<int32_t>(kept + data.size));
    out_.push(static_cast<uint8_t>(value.aux));
    out_.append(value.bytes().first(kept));
    out_.append(data.bytes());
  }

  /// One u<index> or s<index> of an array diff after another.
  class ArrayEdits {
   public:
    ArrayEdits(DeltaApplier& applier, Bytes diff) : applier_(applier), reader_(diff) {
      reader_.next();  // a
      advance();
      if (has_ && reader_.name() == "l") {
        const Value& value = reader_.value();
        const bool number = value.type == ValueType::kInt32 || value.type == ValueType::kInt64;
        if (!number || value.i64 < 0) {
          refuse();
          return;
        }
        size_ = static_cast<uint64_t>(value.i64);
        advance();
      }
      read_index();
    }
    bool at(uint64_t index) const noexcept { return has_ && index == index_; }
    bool more() const noexcept { return has_; }
    uint64_t size() const noexcept { return size_; }
    bool is_diff() const noexcept { return reader_.name()[0] == 's'; }
    const Value& value() const noexcept { return reader_.value(); }
    Bytes element() const noexcept { return reader_.element(); }
    size_t name_size() const noexcept { return reader_.name().size(); }
    void next() {
      advance();
      read_index();
    }

   private:
    void advance() {
      has_ = reader_.next();
      if (!has_ && reader_.fault() != BsonFault::kNone) applier_.fail(ApplyFault::kMalformed);
    }
    void refuse() {
      has_ = false;
      applier_.fail(ApplyFault::kBadArray);
    }
    void read_index() {
      if (!has_) return;
      const std::string_view key = reader_.name();
      if (key.size() < 2 || (key[0] != 'u' && key[0] != 's')) return refuse();
      uint64_t index = 0;
      const auto [end, fault] = std::from_chars(key.data() + 1, key.data() + key.size(), index);
      const bool whole = fault == std::errc() && end == key.data() + key.size();
      if (!whole || index < least_ || index >= size_) return refuse();
      if (key[0] == 's' && reader_.value().type != ValueType::kDocument) return refuse();
      index_ = index;
      least_ = index + 1;
    }

    DeltaApplier& applier_;
    BsonReader reader_;
    bool has_ = false;
    uint64_t size_ = kNoSize, index_ = 0, least_ = 0;
  };

  void array(Bytes pre, Bytes diff, int depth) {
    if (depth > kDepth) return fail(ApplyFault::kTooDeep);
    ArrayEdits edits(*this, diff);
    BsonBuild build(out_);
    BsonReader reader(pre);
    uint64_t index = 0;
    const auto wanted = [&] { return edits.size() == kNoSize || index < edits.size(); };
    for (; fault_ == ApplyFault::kNone && wanted() && reader.next(); ++index) {
      if (edits.at(index)) {
        element(build, index, &reader.value(), edits, depth);
      } else {
        build.element(reader.element(), reader.name().size(), index);
      }
    }
    if (reader.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
    // The array is shorter than the diff expects: missing elements become null.
    const auto short_of = [&] {
      return edits.more() || (edits.size() != kNoSize && index < edits.size());
    };
    for (; fault_ == ApplyFault::kNone && short_of(); ++index) {
      if (edits.at(index)) {
        element(build, index, nullptr, edits, depth);
      } else {
        build.header(kBsonNull, index);
      }
      if (out_.size() - start_ > kMaxBsonBytes) fail(ApplyFault::kTooLarge);
    }
    build.end();
  }

  void element(BsonBuild& build, uint64_t index, const Value* before, ArrayEdits& edits,
               int depth) {
    if (!edits.is_diff()) {
      build.element(edits.element(), edits.name_size(), index);
    } else {
      inside(build, index, before == nullptr ? Value() : *before, edits.value().bytes(), depth);
    }
    edits.next();
  }

  ByteBuffer& out_;
  size_t start_;
  std::vector<FieldEdit> edits_;   // of the documents under way, the innermost last
  std::vector<uint32_t> by_name_;  // places in edits_, sorted within each document
  ApplyFault fault_ = ApplyFault::kNone;
};

}  // namespace

ApplyFault apply_delta(Bytes document, Bytes diff, ByteBuffer& out) {
  DeltaApplier applier(out);
  if (is_array_diff(diff)) return ApplyFault::kUnknownSection;
  applier.document(document, diff, 0);
  return applier.fault();
}

}  // namespace lugger
