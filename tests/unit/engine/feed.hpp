// A source that goes on for ever, and gives what a script says.
#pragma once
#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "place/source.hpp"

namespace lugger::test {

/// What a feed holds so far: at each place a document and what happened to it or, where it is
/// empty, something that concerns others. Positions count places.
class Script {
 public:
  struct Place {
    std::string document;
    Operation operation = Operation::kUpsert;
  };
  void add(std::string document, Operation operation = Operation::kUpsert) {
    const std::lock_guard lock(mutex_);
    places_.push_back({std::move(document), operation});
  }
  void end() { ended_ = true; }
  bool ended() const { return ended_; }
  /// Nothing: there is none yet.
  std::optional<Place> at(size_t place) const {
    const std::lock_guard lock(mutex_);
    if (place >= places_.size()) return std::nullopt;
    return places_[place];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Place> places_;
  std::atomic<bool> ended_{false};
};

class FeedCursor final : public Cursor {
 public:
  FeedCursor(const Script& script, size_t place, bool changes)
      : script_(script), place_(place), changes_(changes) {}

  Next next(Batch& batch, const StopFlag& stop) override {
    for (; batch.documents.size() < batch.max_documents; ++place_) {
      const std::optional<Script::Place> found = script_.at(place_);
      if (!found) break;
      const std::string& document = found->document;
      if (document.empty()) continue;
      const uint8_t* kept = batch.arena().copy(as_bytes(document));
      batch.documents.push_back(
          {kept, static_cast<uint32_t>(document.size()), Format::kBson, nullptr});
      if (changes_) batch.operations.push_back(found->operation);
      batch.source_bytes += document.size();
    }
    if (!batch.documents.empty()) return Next::kBatch;
    if (script_.ended()) return Next::kEnd;
    if (!stop.requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return Next::kIdle;
  }
  Position position() const override { return fmt::format("place:{}", place_); }
  uint64_t bytes() const override { return 0; }

 private:
  const Script& script_;
  size_t place_;
  bool changes_;
};

class Feed final : public Source {
 public:
  /// `changes`: it says what happened to each document.
  explicit Feed(const Script& script, bool changes = false) : script_(script), changes_(changes) {}
  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "feed", out.place = "feed", out.identity = "feed", out.live = true;
    out.changes = changes_;
    return out;
  }
  std::vector<Partition> split(int) override { return {Partition{"0", "", 0}}; }
  std::unique_ptr<Cursor> open(const Partition&, const Position& after) override {
    size_t place = 0;
    if (!after.empty())
      std::from_chars(after.data() + sizeof "place:" - 1, after.data() + after.size(), place);
    return std::make_unique<FeedCursor>(script_, place, changes_);
  }

 private:
  const Script& script_;
  bool changes_;
};

}  // namespace lugger::test
