#include "place/find.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "value/compare.hpp"
#include "value/looked_into.hpp"
#include "value/match.hpp"

namespace lugger {

namespace {

class FindCursor : public Cursor {
 public:
  FindCursor(std::unique_ptr<Cursor> inner, const FindSpec& spec)
      : inner_(std::move(inner)), skip_(spec.skip), left_(spec.limit) {
    if (!spec.filter.empty()) filter_.emplace(spec.filter);
  }
  Next next(Batch& batch, const StopFlag& stop) override {
    if (left_ == uint64_t{0}) return Next::kEnd;
    for (;;) {
      const Next got = more(batch, stop);
      if (got != Next::kBatch) return got;
      cut(batch.documents);
      if (!batch.documents.empty()) return got;
    }
  }
  Position position() const override { return inner_->position(); }
  uint64_t bytes() const override { return inner_->bytes(); }
  ReadCounts counts() const override { return inner_->counts(); }

 protected:
  /// The next batch of inner, without documents that do not match. Replaces the content of the
  /// batch.
  Next more(Batch& batch, const StopFlag& stop) {
    if (stop.requested()) throw Error(Code::kInterrupted, "interrupted");
    batch.clear();
    batch.arena().reset();
    const Next got = inner_->next(batch, stop);
    if (got == Next::kBatch && filter_) {
      auto gone = std::remove_if(
          batch.documents.begin(), batch.documents.end(),
          [&](const Document& document) { return !filter_->matches(document, batch.arena()); });
      batch.documents.erase(gone, batch.documents.end());
    }
    return got;
  }
  void cut(std::vector<Document>& documents) {
    const auto skipped = std::min<uint64_t>(skip_, documents.size());
    skip_ -= skipped;
    documents.erase(documents.begin(), documents.begin() + static_cast<ptrdiff_t>(skipped));
    if (!left_) return;
    if (documents.size() > *left_) documents.resize(static_cast<size_t>(*left_));
    *left_ -= documents.size();
  }

  std::unique_ptr<Cursor> inner_;
  std::optional<Filter> filter_;
  uint64_t skip_;
  std::optional<uint64_t> left_;
};

using SeeValue = std::function<void(const Value&)>;

bool is_empty(const Value& array, Arena& arena) { return !ElementReader(array, arena).next(); }

/// An empty array sorts before null: it is compared as undefined.
int sort_order(const Value& a, const Value& b, Fractions fractions) {
  const bool left = a.type == ValueType::kUndefined, right = b.type == ValueType::kUndefined;
  if (left != right && a.absent() && b.absent()) return left ? -1 : 1;
  return compare_values(a, b, fractions);
}

bool sort_values(const Value& value, const std::vector<std::string>& path, size_t at, Arena& arena,
                 const SeeValue& take);

/// The element that a number in the path selects. False: the array has no such element.
bool sort_place(const Value& array, const std::vector<std::string>& path, size_t at, Arena& arena,
                const SeeValue& take) {
  for (ElementReader reader(array, arena); reader.next();)
    if (reader.name() == path[at]) return sort_values(reader.value(), path, at + 1, arena, take);
  return false;
}

/// Calls `take` for every value that a document sorts by: each element of an array, and null where
/// the path does not exist. Always returns true.
bool sort_values(const Value& value, const std::vector<std::string>& path, size_t at, Arena& arena,
                 const SeeValue& take) {
  const bool array = is_array(value.type), end = at == path.size();
  if (array && is_empty(value, arena)) {
    take(end ? Value::of(ValueType::kUndefined, int64_t{0}) : Value::null());
  } else if (array) {
    if (!end && sort_place(value, path, at, arena, take)) return true;
    for (ElementReader reader(value, arena); reader.next();) {
      const Value& element = reader.value();
      if (end || element.type != ValueType::kDocument)
        take(end ? element : Value::null());
      else
        sort_values(element, path, at, arena, take);
    }
  } else if (end) {
    take(value);
  } else if (value.type == ValueType::kDocument) {
    sort_values(bson_field(value.bytes(), path[at]), path, at + 1, arena, take);
  } else {
    take(Value::null());
  }
  return true;
}

/// Of an array, the smallest element counts; in descending order, the greatest.
Value sort_value(const Document& document, const FindSpec::SortKey& key, Arena& arena) {
  Value best;
  bool first = true;
  const Fractions fractions = fractions_of(document);
  sort_values(document_field(document, key.path.front(), Opened::kInside, arena), key.path, 1,
              arena, [&](const Value& value) {
                const int order = first ? 0 : sort_order(value, best, fractions);
                if (first || (key.descending ? order > 0 : order < 0)) best = value;
                first = false;
              });
  return best;
}

/// Keeps at most skip + limit documents; without a limit all matching documents, up to a memory
/// bound.
class SortedCursor final : public FindCursor {
 public:
  SortedCursor(std::unique_ptr<Cursor> inner, const FindSpec& spec)
      : FindCursor(std::move(inner), spec), keys_(spec.sort), most_bytes_(spec.sort_bytes) {
    if (spec.limit) keep_ = spec.skip + *spec.limit;
  }
  Next next(Batch& batch, const StopFlag& stop) override {
    if (!gathered_) gather(batch, stop);
    if (!gathered_) return Next::kIdle;
    batch.clear();
    batch.arena().reset();
    do {
      while (given_ < kept_.size() && batch.documents.size() < batch.max_documents)
        batch.documents.push_back(view(kept_[given_++]));
      cut(batch.documents);
    } while (batch.documents.empty() && given_ < kept_.size() && left_ != uint64_t{0});
    return batch.documents.empty() ? Next::kEnd : Next::kBatch;
  }
  Position position() const override { return {}; }

 private:
  struct Kept {
    std::string bytes;
    Format format;
    const RowShape* shape;
    uint64_t number;  // keeps equal documents in their order
  };
  static Document view(const Kept& kept) {
    return {as_bytes(kept.bytes).data(), static_cast<uint32_t>(kept.bytes.size()), kept.format,
            kept.shape};
  }
  bool before(const Kept& a, const Kept& b) {
    scratch_.reset();
    for (const FindSpec::SortKey& key : keys_) {
      const int order = sort_order(sort_value(view(a), key, scratch_),
                                   sort_value(view(b), key, scratch_), fractions_of(view(a)));
      if (order != 0) return (order < 0) != key.descending;
    }
    return a.number < b.number;
  }
  /// Can be called again when the inner cursor was idle; it then continues.
  void gather(Batch& batch, const StopFlag& stop) {
    const auto by_order = [this](const Kept& a, const Kept& b) { return before(a, b); };
    for (;;) {
      const Next got = keep_ == uint64_t{0} ? Next::kEnd : more(batch, stop);
      if (got == Next::kIdle) return;
      if (got == Next::kEnd) break;
      for (const Document& document : batch.documents) {
        Kept made{std::string(as_text(document.bytes())), document.format, document.shape,
                  number_++};
        const bool full = keep_ && kept_.size() >= *keep_;
        if (full && !before(made, kept_.front())) continue;
        if (full) {
          std::pop_heap(kept_.begin(), kept_.end(), by_order);
          held_ -= kept_.back().bytes.size();
          kept_.pop_back();
        }
        held_ += made.bytes.size();
        if (held_ > most_bytes_) too_much();
        kept_.push_back(std::move(made));
        std::push_heap(kept_.begin(), kept_.end(), by_order);
      }
    }
    std::sort_heap(kept_.begin(), kept_.end(), by_order);
    gathered_ = true;
  }
  [[noreturn]] void too_much() const {
    throw Error(Code::kConfig,
                fmt::format("sort: more than {} of documents", human_bytes(most_bytes_)),
                "it happens in memory: add :limit(n), or a narrower find");
  }

  std::vector<FindSpec::SortKey> keys_;
  size_t most_bytes_, held_ = 0, given_ = 0;
  uint64_t number_ = 0;
  std::optional<uint64_t> keep_;
  bool gathered_ = false;
  std::vector<Kept> kept_;  // a heap with the last document in front, until it is sorted
  Arena scratch_{4096};
};

}  // namespace

std::unique_ptr<Cursor> find_cursor(std::unique_ptr<Cursor> inner, const FindSpec& spec) {
  if (!spec.sort.empty()) return std::make_unique<SortedCursor>(std::move(inner), spec);
  return std::make_unique<FindCursor>(std::move(inner), spec);
}

}  // namespace lugger
