// $v: 1 entries: $set and $unset with dotted paths. A numeric part of a path is an index where the
// parent is an array, else the name of a field.
#include <algorithm>
#include <vector>

#include "change/apply.hpp"
#include "change/bson_build.hpp"

namespace lugger {
namespace {

constexpr int kDepth = kMaxBsonDepth + 10;

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The order in which the server adds new fields: numbers by value, everything else by bytes.
bool comes_before(std::string_view a, std::string_view b) noexcept {
  const auto numeric = [](std::string_view s) {
    return !s.empty() && digit(s[0]) && (s[0] != '0' || s.size() == 1);
  };
  if (!numeric(a) || !numeric(b) || a.size() == b.size()) return a < b;
  return a.size() < b.size();
}

/// The index that a part of a path names; -1: none.
int64_t index_of(std::string_view part) noexcept {
  if (part.empty() || part.size() > 9 || (part[0] == '0' && part.size() > 1)) return -1;
  int64_t out = 0;
  for (const char c : part) {
    if (!digit(c)) return -1;
    out = out * 10 + (c - '0');
  }
  return out;
}

/// One $set or $unset: the rest of its path, and the element with the new value.
struct Leaf {
  std::string_view path;
  Bytes element;  // empty: unset
  size_t name_size;
  uint32_t order;  // in the entry

  std::string_view part() const noexcept { return path.substr(0, path.find('.')); }
  bool last() const noexcept { return path.find('.') == std::string_view::npos; }
};

/// Leaves that begin with the same part.
struct Group {
  std::string_view name;
  size_t begin, end;
  uint32_t order;
  bool leaf, sets, done;
};

class ModifierApplier {
 public:
  explicit ModifierApplier(ByteBuffer& out) : out_(out), start_(out.size()) {}

  ApplyFault fault() const noexcept { return fault_; }

  void apply(Bytes document, Bytes update) {
    read(update);
    if (fault_ != ApplyFault::kNone) return;
    this->document(document, 0, leaves_.size(), 0);
  }

 private:
  void fail(ApplyFault fault) noexcept {
    if (fault_ == ApplyFault::kNone) fault_ = fault;
  }

  void read(Bytes update) {
    BsonReader reader(update);
    in_order_ = bson_field(update, "$v").type == ValueType::kMissing;
    while (reader.next()) {
      const std::string_view key = reader.name();
      if (key == "$v") continue;
      const bool set = key == "$set";
      if ((!set && key != "$unset") || reader.value().type != ValueType::kDocument)
        return fail(ApplyFault::kUnknownOperator);
      BsonReader fields(reader.value().bytes());
      while (fields.next()) {
        leaves_.push_back({fields.name(), set ? fields.element() : Bytes(), fields.name().size(),
                           static_cast<uint32_t>(leaves_.size())});
      }
      if (fields.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
    }
    if (reader.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
  }

  /// Removes the first part of the paths of leaves_[begin, end) and groups them by it, sorted by
  /// name for find(). The groups are groups_[first, ...); the caller must remove them.
  size_t group(size_t begin, size_t end) {
    std::stable_sort(leaves_.begin() + static_cast<ptrdiff_t>(begin),
                     leaves_.begin() + static_cast<ptrdiff_t>(end),
                     [](const Leaf& a, const Leaf& b) { return comes_before(a.part(), b.part()); });
    const size_t first = groups_.size();
    for (size_t i = begin; i < end; ++i) {
      Leaf& leaf = leaves_[i];
      const std::string_view name = leaf.part();
      const bool last = leaf.last(), sets = !leaf.element.empty();
      if (groups_.size() == first || groups_.back().name != name) {
        groups_.push_back({name, i, i + 1, leaf.order, last, sets, false});
      } else {
        Group& same = groups_.back();
        if (same.leaf || last) fail(ApplyFault::kConflict);
        same.end = i + 1;
        same.sets = same.sets || sets;
        same.order = std::min(same.order, leaf.order);
      }
      leaf.path.remove_prefix(last ? name.size() : name.size() + 1);
    }
    return first;
  }

  /// Entries of servers that knew no $v add fields as they name them.
  void sort_by_order(size_t first) {
    if (!in_order_) return;
    std::sort(groups_.begin() + static_cast<ptrdiff_t>(first), groups_.end(),
              [](const Group& a, const Group& b) { return a.order < b.order; });
  }

  void document(Bytes pre, size_t begin, size_t end, int depth) {
    if (depth > kDepth) return fail(ApplyFault::kTooDeep);
    const size_t first = group(begin, end);
    const size_t last = groups_.size();
    BsonBuild build(out_);
    BsonReader reader(pre);
    while (fault_ == ApplyFault::kNone && reader.next()) {
      const size_t at = find(first, last, reader.name());
      if (at == last || groups_[at].done) {
        out_.append(reader.element());
      } else {
        groups_[at].done = true;
        field(build, reader, groups_[at], depth);
      }
    }
    if (reader.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
    sort_by_order(first);
    for (size_t i = first; i < last && fault_ == ApplyFault::kNone; ++i) {
      const Group at = groups_[i];
      if (!at.done && at.sets) create(build, at.name, at, depth);
    }
    build.end();
    groups_.resize(first);
  }

  size_t find(size_t first, size_t last, std::string_view name) const {
    const auto end = groups_.begin() + static_cast<ptrdiff_t>(last);
    const auto at = std::lower_bound(
        groups_.begin() + static_cast<ptrdiff_t>(first), end, name,
        [](const Group& group, std::string_view n) { return comes_before(group.name, n); });
    return at == end || at->name != name ? last : static_cast<size_t>(at - groups_.begin());
  }

  void field(BsonBuild& build, const BsonReader& reader, const Group& group, int depth) {
    if (!group.leaf) return inside(build, reader, reader.name(), group, depth);
    const Leaf& leaf = leaves_[group.begin];
    if (!leaf.element.empty()) build.element(leaf.element, leaf.name_size, reader.name());
  }

  // A path through a scalar value changes nothing: the document is newer.
  template <typename Name>
  void inside(BsonBuild& build, const BsonReader& reader, Name name, const Group& group,
              int depth) {
    const Value& value = reader.value();
    const size_t begin = group.begin, end = group.end;
    if (value.type == ValueType::kDocument) {
      build.header(kBsonDocument, name);
      document(value.bytes(), begin, end, depth + 1);
    } else if (value.type == ValueType::kArray) {
      build.header(kBsonArray, name);
      array(value.bytes(), begin, end, depth + 1);
    } else {
      build.element(reader.element(), reader.name().size(), name);
    }
  }

  template <typename Name>
  void create(BsonBuild& build, Name name, const Group& group, int depth) {
    if (group.leaf) {
      const Leaf& leaf = leaves_[group.begin];
      return build.element(leaf.element, leaf.name_size, name);
    }
    static constexpr uint8_t kEmpty[] = {5, 0, 0, 0, 0};
    build.header(kBsonDocument, name);
    document(kEmpty, group.begin, group.end, depth + 1);
  }

  void array(Bytes pre, size_t begin, size_t end, int depth) {
    if (depth > kDepth) return fail(ApplyFault::kTooDeep);
    const size_t first = group(begin, end);
    const size_t last = groups_.size();
    // Numbers are sorted by value, so that a single pass over the elements finds all of them.
    size_t next = first;
    const auto seek = [&] {
      while (next < last && index_of(groups_[next].name) < 0) ++next;
    };
    seek();
    BsonBuild build(out_);
    BsonReader reader(pre);
    int64_t index = 0;
    for (; fault_ == ApplyFault::kNone && reader.next(); ++index) {
      const auto at = static_cast<uint64_t>(index);
      if (next == last || index_of(groups_[next].name) != index) {
        build.element(reader.element(), reader.name().size(), at);
        continue;
      }
      const Group group = groups_[next++];
      seek();
      if (!group.leaf) {
        inside(build, reader, at, group, depth);
      } else if (group.sets) {
        create(build, at, group, depth);
      } else {
        build.header(kBsonNull, at);  // an element that is unset leaves null in its place
      }
    }
    if (reader.fault() != BsonFault::kNone) fail(ApplyFault::kMalformed);
    grow(build, index, next, last, depth);
    build.end();
    groups_.resize(first);
  }

  // Appends elements after the end of an array; those in between are null.
  void grow(BsonBuild& build, int64_t index, size_t next, size_t last, int depth) {
    for (; next < last && fault_ == ApplyFault::kNone; ++next) {
      const Group group = groups_[next];
      const int64_t wanted = index_of(group.name);
      if (wanted < index || !group.sets) continue;
      for (; index < wanted && fault_ == ApplyFault::kNone; ++index) {
        build.header(kBsonNull, static_cast<uint64_t>(index));
        if (out_.size() - start_ > kMaxBsonBytes) fail(ApplyFault::kTooLarge);
      }
      create(build, static_cast<uint64_t>(index++), group, depth);
    }
  }

  ByteBuffer& out_;
  size_t start_;
  std::vector<Leaf> leaves_;
  std::vector<Group> groups_;  // of the levels under way, the innermost last
  bool in_order_ = false;
  ApplyFault fault_ = ApplyFault::kNone;
};

}  // namespace

ApplyFault apply_modifiers(Bytes document, Bytes update, ByteBuffer& out) {
  ModifierApplier applier(out);
  applier.apply(document, update);
  return applier.fault();
}

}  // namespace lugger
