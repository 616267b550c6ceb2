#include "mongo/hub.hpp"

#include <algorithm>

#include "base/threads.hpp"

namespace lugger {
namespace {

using namespace std::chrono_literals;

constexpr size_t kRingBytes = 16 << 20;
constexpr size_t kReplyBytes = 1 << 20;  // what is published at once
// How long it waits for readers that are about to fall out of the ring: so long at once, and of all
// time a part, so that slow ones do not set the pace.
constexpr std::chrono::steady_clock::duration kPatience = 2s;
constexpr int kPatiencePart = 10;
constexpr auto kQuiet = 60s;   // without readers, before the stream is closed
constexpr auto kBroken = 30s;  // before a stream that failed is tried again
constexpr auto kAwayPause = 500ms;
// Jobs begin one after another, each where it stood: shortly after it was opened, the stream may
// begin again a little earlier. Nobody waits for it to come from far behind.
constexpr auto kYoung = 10s;
constexpr uint64_t kFar = uint64_t{120} << 32;

}  // namespace

HubEvent::HubEvent(Bytes from, bool bare, const std::vector<WatchedCollection>& watched)
    : bytes(from.begin(), from.end()), event(read_stream_event(bytes)) {
  event.bare = bare;
  if (changes_namespace(event.kind)) return;
  const auto found = std::ranges::find_if(watched, [&](const WatchedCollection& one) {
    return one.database == event.ns.database && one.name == event.ns.collection;
  });
  if (found != watched.end()) of = static_cast<int>(found - watched.begin());
}

MongoHub::MongoHub(const ScanPlace& place)
    : url_(place.url), shown_(place.shown), purpose_(place.purpose) {}

MongoHub::~MongoHub() {
  {
    const std::lock_guard lock(mutex_);
    stop_.set(StopLevel::kNow);
  }
  changed_.notify_all();
}

void MongoHub::watch(const WatchedCollection& collection) {
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(watched_, collection, &Watched::collection) != watched_.end()) return;
  watched_.push_back({collection, kNever});
  ++generation_;
}

std::unique_ptr<HubReader> MongoHub::attach(const WatchedCollection& collection,
                                            const StreamPosition& from, StreamContent content) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(watched_, collection, &Watched::collection);
  const auto of = static_cast<size_t>(found - watched_.begin());
  if (found == watched_.end() || !reaches(of, from)) return nullptr;
  if (content == StreamContent::kDocuments && !documents_) {
    documents_ = true;
    ++generation_;
  }
  auto reader = std::make_unique<HubReader>(*this, static_cast<int>(of), from);
  reader->next_ = first_;
  readers_.push_back(reader.get());
  if (!thread_.joinable()) {
    const StopScope scope(stop_);
    thread_ = start_thread([this] { work(); });
  }
  changed_.notify_all();
  return reader;
}

/// True: everything at this time and later is in the ring or comes.
bool MongoHub::reaches(size_t of, const StreamPosition& from) {
  const Clock::time_point now = Clock::now();
  if (!open_) {
    if (now < broken_until_) return false;
    open_ = true;
    documents_ = false;
    opened_at_ = now;
    begin_at(from.time);
    return true;
  }
  if (from.time < floor_) {
    if (floor_ - from.time > kFar || now - opened_at_ > kYoung) return false;
    begin_at(from.time);
  } else if (!caught_up_ && from.time > head_.time && from.time - head_.time > kFar) {
    begin_at(from.time);  // who is far behind catches up alone
  }
  return watched_[of].since <= from.time;
}

void MongoHub::begin_at(uint64_t time) {
  close();
  head_ = StreamPosition::from_time(time);
  last_token_.clear();
  floor_ = time;
  answered_ = caught_up_ = false;
  away_.reset();
  for (Watched& one : watched_) one.since = time;
  for (HubReader* reader : readers_) {
    reader->next_ = first_;
    reader->lost_ = reader->lost_ || reader->position_.time < time;
  }
  wake(true, {});
}

/// Empties the ring; the thread comes back for what is next.
void MongoHub::close() {
  first_ += ring_.size();
  ring_.clear();
  bytes_ = 0;
  ++generation_;
}

std::vector<std::string> MongoHub::told() {
  const std::lock_guard lock(mutex_);
  return std::exchange(to_tell_, {});
}

/// Once for each text.
void MongoHub::tell(const std::string& text) {
  if (said_.insert(text).second) to_tell_.push_back(text);
}

void MongoHub::narrow(const WatchedCollection& collection, const std::string& text) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(watched_, collection, &Watched::collection);
  if (found != watched_.end()) found->narrowed = text;
  tell(text);
}

std::string MongoHub::own_stream(const WatchedCollection& collection) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(watched_, collection, &Watched::collection);
  return found != watched_.end() && !found->narrowed.empty() ? found->narrowed : denied_;
}

void MongoHub::wake(bool all, const std::set<int>& of) {
  for (HubReader* reader : readers_)
    if (all || of.contains(reader->of_)) reader->woken_.notify_all();
}

void MongoHub::work() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_.requested() || open_; });
      if (stop_.requested()) return;
    }
    try {
      read();
    } catch (const Error& error) {
      fail(error);
    } catch (const std::exception& error) {
      fail(Error(Code::kBug, error.what()));
    }
  }
}

/// Reads one stream, until it is to be another one.
void MongoHub::read() {
  StreamSpec spec{url_, shown_, purpose_, {}, StreamScope::kDatabase, StreamContent::kKeys};
  StreamPosition from;
  uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
    for (Watched& one : watched_) {
      if (one.since == kNever) {
        one.since = head_.time;
        head_ = StreamPosition::from_time(head_.time);
      }
      spec.watched.push_back(one.collection);
      if (one.collection.database != watched_.front().collection.database)
        spec.scope = StreamScope::kCluster;
    }
    if (documents_) spec.content = StreamContent::kDocuments;
    from = head_;
  }
  MongoStream stream(spec, from);
  std::vector<std::shared_ptr<const HubEvent>> events;
  size_t bytes = 0;
  while (goes_on(generation)) {
    if (const auto event = stream.next()) {
      events.push_back(std::make_shared<const HubEvent>(stream.bytes(), event->bare, spec.watched));
      bytes += events.back()->size();
      if (stream.at_hand() && bytes < kReplyBytes) continue;
    }
    publish(events, stream, generation);
    events.clear();
    bytes = 0;
  }
}

bool MongoHub::goes_on(uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (readers_.empty() && Clock::now() - quiet_since_ > kQuiet) {
    open_ = false;
    close();
  }
  return !stop_.requested() && generation == generation_;
}

bool MongoHub::waits_for_first() const {
  return std::ranges::any_of(
      readers_, [&](const HubReader* reader) { return !reader->lost_ && reader->next_ <= first_; });
}

/// False: the stream is to be another one.
bool MongoHub::make_room(std::unique_lock<std::mutex>& lock, size_t bytes, uint64_t generation) {
  const Clock::time_point begun = Clock::now();
  patience_ = std::min(kPatience, patience_ + (begun - looked_at_) / kPatiencePart);
  const Clock::time_point until = begun + patience_;
  const auto ends = [&] { return stop_.requested() || generation != generation_; };
  while (!ring_.empty() && bytes_ + bytes > kRingBytes && !ends()) {
    changed_.wait_until(lock, until, [&] { return ends() || !waits_for_first(); });
    if (ends()) break;
    const HubEvent& oldest = *ring_.front();
    floor_ = std::max(floor_, oldest.event.time + 1);
    for (HubReader* reader : readers_) reader->lost_ = reader->lost_ || reader->next_ <= first_;
    bytes_ -= oldest.size();
    ring_.pop_front();
    ++first_;
  }
  looked_at_ = Clock::now();
  patience_ -= std::min(patience_, looked_at_ - begun);
  return !ends();
}

void MongoHub::publish(std::vector<std::shared_ptr<const HubEvent>>& events,
                       const MongoStream& stream, uint64_t generation) {
  std::unique_lock lock(mutex_);
  if (generation != generation_) return;
  std::set<int> of;
  size_t bytes = 0;
  for (const auto& one : events) bytes += one->size();
  if (!make_room(lock, bytes, generation)) return;
  for (const auto& one : events) {
    of.insert(one->of);
    last_token_ = as_text(one->event.token);
    ring_.push_back(one);
  }
  bytes_ += bytes;
  head_ = stream.position();
  const double behind = stream.behind();
  server_s_ = (head_.time >> 32) + static_cast<uint64_t>(behind);
  answered_ = true;
  caught_up_ = events.empty() || behind == 0;
  away_.reset();
  if (events.empty()) ++ticks_;
  wake(events.empty() || of.contains(-1), of);
}

/// A server that is away is waited for here: its readers are told when it takes long. With any
/// other error each reader goes on alone, and the one that it concerns meets it.
void MongoHub::fail(const Error& error) {
  std::unique_lock lock(mutex_);
  if (stop_.requested()) return;
  if (error.code() == Code::kConnect) {
    away_ = error;
    caught_up_ = false;
    wake(true, {});
    changed_.wait_for(lock, kAwayPause, [&] { return stop_.requested(); });
    return;
  }
  const bool denied = error.code() == Code::kAuth;
  open_ = false;
  broken_until_ = denied ? Clock::time_point::max() : Clock::now() + kBroken;
  close();
  for (HubReader* reader : readers_) reader->lost_ = true;
  wake(true, {});
  if (!denied) return;
  denied_ = fmt::format(
      "the role may not watch all of {} at once: each job reads a stream of its own, "
      "and the server its oplog for each; with changeStream on the whole, one suffices",
      shown_);
  tell(denied_);
}

}  // namespace lugger
