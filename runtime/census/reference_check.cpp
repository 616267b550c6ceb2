// The second pass over references: every value looked up among the _ids it may refer to.
#include "base/error.hpp"
#include "base/text.hpp"
#include "census/references.hpp"
#include "place/whole.hpp"
#include "value/id_text.hpp"
#include "value/json_writer.hpp"

namespace lugger {

namespace {

constexpr size_t kExamples = 3;
constexpr uint64_t kLeastMemory = 32 << 10;  // room for a table that can be halved

/// A set of hashes: open addressing, at most half full.
class HashSet {
 public:
  HashSet() : slots_(1024) {}
  void add(uint64_t hash) {
    if (hash == 0) {
      zero_ = true;
      return;
    }
    if ((size_ + 1) * 2 > slots_.size()) grow();
    if (place(slots_, hash)) ++size_;
  }
  bool has(uint64_t hash) const noexcept {
    if (hash == 0) return zero_;
    for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at] == hash) return true;
      if (slots_[at] == 0) return false;
    }
  }
  uint64_t bytes() const noexcept { return slots_.size() * sizeof(uint64_t); }
  /// Leaves only what belongs to a slice, in a table of the size that needs.
  void keep(uint64_t slices, uint64_t slice) {
    HashSet left;
    for (const uint64_t hash : slots_) {
      if (hash != 0 && hash / kSpread % slices == slice) left.add(hash);
    }
    left.zero_ = zero_;
    *this = std::move(left);
  }
  static constexpr uint64_t kSpread = uint64_t{1} << 32;  // slices are cut from the high half

 private:
  static bool place(std::vector<uint64_t>& slots, uint64_t hash) noexcept {
    size_t at = hash & (slots.size() - 1);
    for (; slots[at] != 0; at = (at + 1) & (slots.size() - 1)) {
      if (slots[at] == hash) return false;
    }
    slots[at] = hash;
    return true;
  }
  void grow() {
    std::vector<uint64_t> wider(slots_.size() * 2);
    for (const uint64_t hash : slots_) {
      if (hash != 0) place(wider, hash);
    }
    slots_ = std::move(wider);
  }
  std::vector<uint64_t> slots_;
  size_t size_ = 0;
  bool zero_ = false;
};

template <typename Use>
void each_document(Source& source, const StopFlag* stop, const Use& use) {
  Arena arena;
  Batch batch(arena);
  const std::unique_ptr<Cursor> cursor = open_whole(source);
  for (; cursor->fill(batch, or_never(stop)); batch.clear(), arena.reset()) {
    if (stop != nullptr && stop->requested())
      throw Error(Code::kInterrupted, "stopped while looking up references");
    for (const Document& document : batch.documents) use(document);
  }
}

/// One step of a path: into a field, into every field ("*"), into every element ("[]").
struct Step {
  enum class Kind : uint8_t { kField, kAnyField, kElements } kind = Kind::kField;
  std::string name;
};

/// The steps of a path as path_text() writes it; names may be empty there.
std::vector<Step> steps_of(std::string_view path) {
  std::vector<Step> out(1);
  bool closed = false;  // "[]" was read: only "." or "[]" can follow
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size()) {
      out.back().name += path[++i];
    } else if (path.substr(i, 2) == "[]") {
      out.push_back({Step::Kind::kElements, {}});
      closed = true;
      ++i;
    } else if (path[i] == '.') {
      out.emplace_back();
      closed = false;
    } else if (path[i] == '*' && !closed) {
      out.back().kind = Step::Kind::kAnyField;
    } else {
      out.back().name += path[i];
    }
  }
  return out;
}

template <typename Use>
void each_value(const Value& value, std::span<const Step> steps, const Use& use) {
  if (steps.empty()) {
    if (!value.absent()) use(value);
    return;
  }
  const Step& step = steps.front();
  if (step.kind == Step::Kind::kField) {
    if (value.type == ValueType::kDocument)
      each_value(bson_field(value.bytes(), step.name), steps.subspan(1), use);
    return;
  }
  const bool elements = step.kind == Step::Kind::kElements;
  if (value.type != (elements ? ValueType::kArray : ValueType::kDocument)) return;
  for (BsonReader reader(value.bytes()); reader.next();)
    each_value(reader.value(), steps.subspan(1), use);
}

std::string id_of(const Document& document, uint64_t number) {
  ByteBuffer text;
  const Value id = bson_field(document.bytes(), "_id");
  if (append_id_text(id, IdStyle::kSafe, text)) return replace_invalid_utf8(text.text());
  return fmt::format("#{}", number);
}

std::string value_of(const Value& value) {
  ByteBuffer text;
  return append_id_text(value, IdStyle::kSafe, text) ? replace_invalid_utf8(text.text())
                                                     : value_json(value);
}

struct Asked {
  std::vector<Step> steps;
  ReferenceCount* count;
};

void look_up(const Document& document, uint64_t number, const Asked& asked, const HashSet& ids,
             uint64_t slices, uint64_t slice) {
  ReferenceCount& count = *asked.count;
  const Value root = Value::of(ValueType::kDocument, document.bytes());
  each_value(root, asked.steps, [&](const Value& value) {
    const uint64_t hash = value_hash(value);
    if (hash / HashSet::kSpread % slices != slice) return;
    ++count.values;
    if (ids.has(hash)) {
      ++count.found;
      return;
    }
    if (count.examples.size() < kExamples)
      count.examples.push_back({id_of(document, number), value_of(value)});
    ++count.dangling;
  });
}

/// The _ids of one slice. Without a bound on slices yet, their number doubles until they fit.
HashSet read_ids(Source& to, uint64_t memory, uint64_t& slices, uint64_t slice,
                 const StopFlag* stop) {
  HashSet ids;
  each_document(to, stop, [&](const Document& document) {
    const Value id = bson_field(document.bytes(), "_id");
    if (id.absent()) return;
    const uint64_t hash = value_hash(id);
    if (hash / HashSet::kSpread % slices != slice) return;
    ids.add(hash);
    if (slice != 0 || ids.bytes() <= std::max(memory, kLeastMemory)) return;
    slices *= 2;
    ids.keep(slices, slice);
  });
  return ids;
}

}  // namespace

std::vector<ReferenceCount> check_references(Source& from, const std::vector<std::string>& paths,
                                             Source& to, uint64_t memory, const StopFlag* stop) {
  std::vector<ReferenceCount> out(paths.size());
  std::vector<Asked> asked;
  for (size_t i = 0; i < paths.size(); ++i) {
    out[i].path = paths[i];
    asked.push_back({steps_of(paths[i]), &out[i]});
  }
  for (uint64_t slices = 1, slice = 0; slice < slices; ++slice) {
    const HashSet ids = read_ids(to, memory, slices, slice, stop);
    uint64_t number = 0;
    each_document(from, stop, [&](const Document& document) {
      ++number;
      for (const Asked& one : asked) look_up(document, number, one, ids, slices, slice);
    });
  }
  return out;
}

}  // namespace lugger
