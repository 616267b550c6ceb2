// A collection that others write to: it is scanned, it tells of its changes, and its documents are
// looked up, as they are at that moment.
#pragma once
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>

#include "base/error.hpp"
#include "place/feed.hpp"
#include "place/spec.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"

namespace lugger::test {

/// One change after another. How many of them have happened is shared with forked processes.
class Writes {
 public:
  Writes() {
    void* shared =
        mmap(nullptr, sizeof *done_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::runtime_error("mmap");
    done_ = new (shared) std::atomic<size_t>(0);
  }
  ~Writes() { munmap(done_, sizeof *done_); }
  Writes(const Writes&) = delete;
  Writes& operator=(const Writes&) = delete;

  static std::string document(int id, std::optional<int> n) {
    ByteBuffer bytes;
    BsonWriter writer(bytes);
    writer.begin_document();
    writer.append("_id", Value::of(ValueType::kInt32, id));
    if (n) writer.append("n", Value::of(ValueType::kInt32, *n));
    writer.end();
    return std::string(bytes.text());
  }
  void put(int id, int n) { add(id, n, true); }
  void erase(int id) { add(id, std::nullopt, true); }
  /// Something that concerns others.
  void pass() { erase(kOthers); }
  static constexpr int kOthers = -1;
  /// Happens when go_to() comes there.
  void plan(int id, std::optional<int> n) { add(id, n, false); }
  void go_to(size_t done) { *done_ = done; }
  size_t done() const { return *done_; }
  size_t planned() const {
    const std::lock_guard lock(mutex_);
    return changes_.size();
  }

  struct Change {
    int id;
    std::optional<int> n;  // nothing: deleted
  };
  std::optional<Change> at(size_t place) const {
    const std::lock_guard lock(mutex_);
    return place < *done_ ? std::optional(changes_[place]) : std::nullopt;
  }
  std::map<int, int> documents() const {
    const std::lock_guard lock(mutex_);
    std::map<int, int> out;
    for (size_t i = 0; i < *done_; ++i) {
      if (changes_[i].n) {
        out[changes_[i].id] = *changes_[i].n;
      } else {
        out.erase(changes_[i].id);
      }
    }
    return out;
  }
  /// Rows as "id|n", by id.
  std::string rows() const {
    std::string out;
    for (const auto& [id, n] : documents())
      out += fmt::format("{}$n:{}|{}", out.empty() ? "" : "\n", id, n);
    return out;
  }
  /// The next calls of cursors find the connection lost.
  std::atomic<int> losses{0};
  /// The next cursor of changes tells of those before it once more, under their times.
  std::atomic<size_t> turn_back{0};
  void meet_loss() {
    if (losses > 0 && losses-- > 0) throw Error(Code::kConnect, "the source is away");
  }

 private:
  void add(int id, std::optional<int> n, bool now) {
    const std::lock_guard lock(mutex_);
    changes_.push_back({id, n});
    if (now) *done_ = changes_.size();
  }
  mutable std::mutex mutex_;
  std::vector<Change> changes_;
  std::atomic<size_t>* done_;
};

inline Position place(size_t at) { return fmt::format("place:{}", at); }
inline size_t place_in(const Position& position) {
  return position.empty() ? 0 : position_number(position, "place", "live");
}

inline void give(Batch& batch, const std::string& document, Operation operation) {
  batch.documents.push_back({batch.arena().copy(as_bytes(document)),
                             static_cast<uint32_t>(document.size()), Format::kBson, nullptr});
  batch.operations.push_back(operation);
  batch.source_bytes += document.size();
}

inline void give_now(const Writes& writes, const std::set<int>& ids, Batch& batch) {
  const std::map<int, int> now = writes.documents();
  for (const int id : ids) {
    const auto found = now.find(id);
    const bool gone = found == now.end();
    give(batch, Writes::document(id, gone ? std::nullopt : std::optional(found->second)),
         gone ? Operation::kDelete : Operation::kUpsert);
  }
}

/// Pages of the documents, each as it is when the page is read.
class LiveScan final : public Cursor {
 public:
  LiveScan(Writes& writes, const Position& after)
      : writes_(writes), last_(after.empty() ? -1 : static_cast<int>(place_in(after))) {}
  Next next(Batch& batch, const StopFlag&) override {
    writes_.meet_loss();
    const std::map<int, int> now = writes_.documents();
    auto from = now.upper_bound(last_);
    for (int i = 0; i < 10 && from != now.end(); ++i, ++from) {
      give(batch, Writes::document(from->first, from->second), Operation::kUpsert);
      last_ = from->first;
    }
    return batch.documents.empty() ? Next::kEnd : Next::kBatch;
  }
  Position position() const override { return last_ < 0 ? Position() : place(last_); }
  uint64_t bytes() const override { return 0; }

 private:
  Writes& writes_;
  int last_;
};

class LiveChanges final : public Cursor {
 public:
  LiveChanges(Writes& writes, const Position& from, bool keys)
      : writes_(writes), at_(place_in(from)), keys_(keys) {}
  Next next(Batch& batch, const StopFlag& stop) override {
    writes_.meet_loss();
    at_ -= writes_.turn_back.exchange(0);
    std::set<int> ids;
    for (int i = 0; i < 7; ++i, ++at_) {
      const std::optional<Writes::Change> change = writes_.at(at_);
      if (!change) break;
      if (change->id == Writes::kOthers) continue;
      ids.insert(change->id);
      if (keys_) give(batch, Writes::document(change->id, {}), Operation::kUpsert);
    }
    if (!keys_) give_now(writes_, ids, batch);
    if (!ids.empty()) return Next::kBatch;
    if (!stop.requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return Next::kIdle;
  }
  Position position() const override { return place(at_); }
  uint64_t bytes() const override { return 0; }

 private:
  Writes& writes_;
  size_t at_;
  bool keys_;
};

class LiveFeed final : public Feed {
 public:
  explicit LiveFeed(Writes& writes) : writes_(writes) {}
  Position now(const std::string&) override { return place(writes_.done()); }
  std::unique_ptr<Cursor> keys(const Position& from, std::chrono::milliseconds) override {
    return std::make_unique<LiveChanges>(writes_, from, true);
  }
  std::unique_ptr<Cursor> follow(const Position& from, bool) override {
    return std::make_unique<LiveChanges>(writes_, from, false);
  }
  bool look_up(std::span<const std::string_view> keys, const Position&, Batch& batch) override {
    writes_.meet_loss();
    std::set<int> ids;
    for (const std::string_view key : keys)
      ids.insert(static_cast<int>(bson_field(as_bytes(key), "_id").i64));
    give_now(writes_, ids, batch);
    return true;
  }
  uint64_t time_of(const Position& position) const override {
    return (uint64_t{1} << 40) + place_in(position);
  }
  uint64_t time() override { return time_of(place(writes_.done())); }
  std::string time_text(uint64_t time) const override { return std::to_string(time); }

 private:
  Writes& writes_;
};

class LiveSource final : public Source {
 public:
  explicit LiveSource(Writes& writes, std::string identity = "live")
      : writes_(writes), identity_(std::move(identity)) {}
  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "live", out.place = "live", out.identity = identity_, out.moves = true;
    return out;
  }
  std::vector<Partition> split(int) override { return {Partition{"0", "", 0}}; }
  std::unique_ptr<Cursor> open(const Partition&, const Position& after) override {
    return std::make_unique<LiveScan>(writes_, after);
  }
  std::unique_ptr<Feed> feed() override { return std::make_unique<LiveFeed>(writes_); }

 private:
  Writes& writes_;
  std::string identity_;
};

}  // namespace lugger::test
