#include "place/ahead_cursor.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "base/threads.hpp"

namespace lugger {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kBatchDocuments = 2000;
constexpr size_t kBatchBytes = 256 << 10;
// What is read ahead: a part of a unit, for the time that its commit takes. Documents may be large,
// and batches small.
constexpr size_t kMostBytes = 2 << 20, kMostAnswers = 8;
constexpr auto kLook = 100ms;  // for a stop
constexpr auto kGoodbye = 2s;  // for an answer that is under way

/// What the cursor said of itself.
struct Said {
  Position position;
  uint64_t bytes = 0;
  std::optional<double> behind;
  ReadCounts counts;
  bool at_hand = false, ddl = false;
};

Said ask_about(Cursor& cursor) {
  return {cursor.position(), cursor.bytes(),   cursor.behind(),
          cursor.counts(),   cursor.at_hand(), cursor.ddl() != nullptr};
}

struct Answer {
  Arena arena;
  Batch batch{arena};
  Next got = Next::kIdle;
  Said said;
  std::vector<Notice> notices;
  std::exception_ptr fault;

  void clear() {
    batch.clear();
    arena.reset();
    if (arena.capacity() > 4 * kBatchBytes) arena = Arena();  // there was a large document
    notices.clear();
  }
};

class AheadCursor final : public Cursor {
 public:
  explicit AheadCursor(std::unique_ptr<Cursor> cursor)
      : cursor_(std::move(cursor)), said_(ask_about(*cursor_)) {}
  /// An answer that is under way is waited for, so that the cursor can close what it has open.
  ~AheadCursor() override {
    if (!thread_.joinable()) return;
    {
      std::unique_lock lock(mutex_);
      closing_ = true;
      changed_.notify_all();
      if (!StopScope::current().due()) changed_.wait_for(lock, kGoodbye, [&] { return left_; });
    }
    stop_.set(StopLevel::kNow);
    thread_.join();
  }

  Next next(Batch& batch, const StopFlag&) override {
    if (said_.ddl) return Next::kIdle;
    if (!current_) current_ = take();
    if (current_->fault) std::rethrow_exception(current_->fault);
    const Next got = current_->got;
    if (got == Next::kEnd) return got;
    if (got == Next::kBatch) give(batch);
    if (given_ == current_->batch.documents.size()) turn();
    return got;
  }
  Position position() const override { return said_.position; }
  uint64_t bytes() const override { return said_.bytes; }
  std::optional<double> behind() const override { return said_.behind; }
  ReadCounts counts() const override { return said_.counts; }
  bool at_hand() override {
    if (current_ || said_.at_hand) return true;
    const std::lock_guard lock(mutex_);
    return !ready_.empty();
  }
  const Ddl* ddl() const override { return said_.ddl ? cursor_->ddl() : nullptr; }
  void pass_ddl(bool follow) override {
    cursor_->pass_ddl(follow);
    said_ = ask_about(*cursor_);
  }
  void committed(const Position& position) override { cursor_->committed(position); }
  std::vector<Notice> take_notices() override { return std::exchange(notices_, {}); }

 private:
  /// What follows, which is waited for.
  std::unique_ptr<Answer> take() {
    if (!thread_.joinable()) {
      const StopScope scope(stop_);
      thread_ = start_thread([this] { read(); });
    }
    std::unique_lock lock(mutex_);
    wanted_ = ready_.empty();
    changed_.notify_all();
    while (ready_.empty()) {
      if (StopScope::current().due())
        raise(Code::kInterrupted, "stopped while it waited for documents");
      changed_.wait_for(lock, kLook);
    }
    std::unique_ptr<Answer> out = std::move(ready_.front());
    ready_.pop_front();
    ahead_ -= out->batch.source_bytes;
    changed_.notify_all();
    return out;
  }

  void give(Batch& batch) {
    const Batch& from = current_->batch;
    batch.operations.resize(batch.documents.size(), Operation::kUpsert);
    for (; given_ < from.documents.size() && batch.documents.size() < batch.max_documents &&
           batch.source_bytes < batch.max_bytes;
         ++given_) {
      Document document = from.documents[given_];
      document.data = batch.arena().copy(document.bytes());
      batch.documents.push_back(document);
      batch.operations.push_back(from.operation(given_));
      batch.source_bytes += document.size;
    }
  }

  /// All of the answer was given.
  void turn() {
    said_ = std::move(current_->said);
    std::ranges::move(current_->notices, std::back_inserter(notices_));
    current_->clear();
    given_ = 0;
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(current_));
  }

  // In the thread.
  void read() {
    while (std::unique_ptr<Answer> answer = wait_for_room()) {
      try {
        answer->got = cursor_->next(answer->batch, stop_);
        answer->said = ask_about(*cursor_);
        answer->notices = cursor_->take_notices();
      } catch (...) {
        answer->clear();
        answer->fault = std::current_exception();
      }
      const bool last = answer->fault || answer->got == Next::kEnd;
      hand_over(std::move(answer));
      if (last) break;
    }
    const std::lock_guard lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }

  /// nullptr: no more is wanted.
  std::unique_ptr<Answer> wait_for_room() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      const bool room = ahead_ < kMostBytes && ready_.size() < kMostAnswers;
      return closing_ || wanted_ || (more_ && room);
    });
    if (closing_) return nullptr;
    if (spare_.empty()) {
      auto out = std::make_unique<Answer>();
      out->batch.max_documents = kBatchDocuments;
      out->batch.max_bytes = kBatchBytes;
      return out;
    }
    std::unique_ptr<Answer> out = std::move(spare_.back());
    spare_.pop_back();
    return out;
  }

  void hand_over(std::unique_ptr<Answer> answer) {
    const std::lock_guard lock(mutex_);
    wanted_ = false;
    more_ = answer->said.at_hand && !answer->said.ddl;
    ahead_ += answer->batch.source_bytes;
    ready_.push_back(std::move(answer));
    changed_.notify_all();
  }

  std::unique_ptr<Cursor> cursor_;  // of the thread, unless it waits for a ddl to be passed
  Said said_;                       // behind what was given
  std::unique_ptr<Answer> current_;
  size_t given_ = 0;  // documents of it
  std::vector<Notice> notices_;
  StopFlag stop_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Answer>> ready_;
  std::vector<std::unique_ptr<Answer>> spare_;
  size_t ahead_ = 0;     // bytes of what is ready
  bool wanted_ = false;  // the reader waits
  bool more_ = false;    // behind the newest answer more is at hand
  bool closing_ = false, left_ = false;
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<Cursor> read_ahead(std::unique_ptr<Cursor> cursor) {
  return std::make_unique<AheadCursor>(std::move(cursor));
}

}  // namespace lugger
