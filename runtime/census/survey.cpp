#include "census/survey.hpp"

#include "base/error.hpp"
#include "base/threads.hpp"
#include "place/spec.hpp"
#include "place/whole.hpp"

namespace lugger {

namespace {

int default_threads() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4);
}

/// A number that looks random and is the same in every run: documents of a sample are chosen by it.
uint64_t scatter(uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Where the first document of a partition lies; UINT64_MAX where documents are no bytes of the
/// source, or an oplog changes them.
uint64_t first_byte(const SourceInfo& info, const Partition& partition) {
  if (!info.byte_addressed || info.oplog) return UINT64_MAX;
  const std::optional<std::string_view> range = spec_field(partition.spec, "offset");
  return range ? std::strtoull(std::string(*range).c_str(), nullptr, 10) : 0;
}

}  // namespace

Survey::Survey(std::shared_ptr<Source> source, SurveySettings settings)
    : source_(std::move(source)), settings_(settings), info_(source_->info()) {
  if (settings_.sample != 0) chance_ = chance_of_sample();
  const int jobs = settings_.jobs > 0 ? settings_.jobs : default_threads();
  // The first documents are those of one partition.
  for (Partition& partition : source_->split(settings_.limit != 0 ? 1 : jobs)) {
    parts_.push_back(std::make_unique<Part>());
    parts_.back()->partition = std::move(partition);
  }
  const size_t threads = std::min<size_t>(parts_.size(), static_cast<size_t>(jobs));
  const std::lock_guard lock(mutex_);  // they end behind it
  const StopScope scope(stop_);
  threads_ = start_threads(threads, std::min<size_t>(threads, 1), [this](size_t) { work(); });
  left_ = threads_.size();
}

Survey::~Survey() {
  stop();
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

double Survey::chance_of_sample() {
  if (info_.bytes == 0) {
    throw Error(Code::kConfig,
                fmt::format("{}: its size is not known, so no sample can be taken", info_.place),
                "leave out --sample, or read a part: --limit N, or for PostgreSQL --query 'select "
                "* from t tablesample bernoulli (1)'");
  }
  Arena arena;
  Batch batch(arena);
  const std::unique_ptr<Cursor> cursor = open_whole(*source_);
  if (!cursor->fill(batch)) return 1;
  const double each =
      static_cast<double>(cursor->bytes()) / static_cast<double>(batch.documents.size());
  return std::min(1.0,
                  static_cast<double>(settings_.sample) * each / static_cast<double>(info_.bytes));
}

void Survey::work() noexcept {
  try {
    while (!stop_.requested()) {
      const size_t number = next_.fetch_add(1);
      if (number >= parts_.size()) break;
      read(*parts_[number], number);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!fault_ && !stop_.requested()) fault_ = std::current_exception();
    stop_.set(StopLevel::kNow);
  }
  const std::lock_guard lock(mutex_);
  if (left_.fetch_sub(1) == 1) seconds_ = watch_.seconds();
  done_.notify_all();
}

void Survey::read(Part& part, uint64_t number) {
  try {
    const std::unique_ptr<Cursor> cursor = source_->open(part.partition);
    count(part, number, *cursor);
    part.tolerated = cursor->counts().tolerated;
  } catch (const Error& error) {
    if (error.code() != Code::kRead && error.code() != Code::kParse) throw;
    // Files go on being read behind a break in another part: what is readable is counted.
    std::string message = error.message();
    for (const auto& [place, value] : error.notes())
      message += fmt::format(" ({} {})", place, value);
    part.breaks.push_back({std::move(message), error.hint(), part.collector.documents()});
  }
}

void Survey::count(Part& part, uint64_t number, Cursor& cursor) {
  const auto limit =
      static_cast<uint64_t>(std::min(chance_ * 18446744073709551616.0, 18446744073709549568.0));
  uint64_t at = first_byte(info_, part.partition), bytes = 0;
  Arena arena;
  Batch batch(arena);
  while (!stop_.requested()) {
    batch.clear();
    arena.reset();
    if (!cursor.fill(batch)) {
      part.complete = true;
      return;
    }
    uint64_t counted = 0;
    for (const Document& document : batch.documents) {
      const uint64_t n = part.passed++;
      if (settings_.limit != 0 && n >= settings_.limit) return;
      if (chance_ >= 1 || scatter(number << 40 | n) < limit) {
        part.collector.add(document, at);
        ++counted;
      }
      if (at != UINT64_MAX) at += document.size;
    }
    const uint64_t now = cursor.bytes();
    bytes_.fetch_add(now - bytes, std::memory_order_relaxed);
    documents_.fetch_add(counted, std::memory_order_relaxed);
    bytes = now;
  }
}

SurveySnapshot Survey::poll(int wait_ms) {
  std::unique_lock lock(mutex_);
  done_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return ended(); });
  return {documents_.load(), bytes_.load(), info_.bytes, ended() ? seconds_ : watch_.seconds()};
}

const CollectionCensus& Survey::result() {
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  if (fault_) std::rethrow_exception(fault_);
  if (!result_) conclude();
  return *result_;
}

void Survey::conclude() {
  std::vector<CensusBreak> breaks;
  uint64_t passed = 0, tolerated = 0, before = 0;
  bool complete = true;
  Collector all;
  for (std::unique_ptr<Part>& part : parts_) {
    for (CensusBreak& found : part->breaks) {
      found.documents += before;
      breaks.push_back(std::move(found));
    }
    before += part->collector.documents();
    passed += part->passed;
    tolerated += part->tolerated;
    complete = complete && part->complete;
    all.merge(part->collector);
    part.reset();
  }
  parts_.clear();
  all.fold_dictionaries();
  result_ = std::make_unique<CollectionCensus>(tell(all));
  result_->info = source_->info();
  result_->complete = complete;
  result_->breaks = std::move(breaks);
  result_->tolerated = tolerated;
  result_->seconds = seconds_;
  result_->workers = static_cast<int>(threads_.size());
  if (settings_.sample != 0) result_->sample = CensusSample{passed, chance_};
}

}  // namespace lugger
