// The pass over a source that makes its census: a thread a partition, each with a collector of its
// own.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "census/census.hpp"

namespace lugger {

struct SurveySettings {
  int jobs = 0;         // threads; 0: one a core, at most four
  uint64_t limit = 0;   // documents to read, from the beginning; 0: all
  uint64_t sample = 0;  // about so many documents, taken at random; 0: all
};

struct SurveySnapshot {
  uint64_t documents = 0, bytes = 0, total_bytes = 0;
  double seconds = 0;
};

class Survey {
 public:
  /// Begins at once. Error{config} when a sample is asked of a source whose size nobody knows.
  Survey(std::shared_ptr<Source> source, SurveySettings settings);
  ~Survey();
  Survey(const Survey&) = delete;
  Survey& operator=(const Survey&) = delete;

  /// Waits until it has ended, at most `wait_ms`.
  SurveySnapshot poll(int wait_ms);
  bool ended() const noexcept { return left_.load() == 0; }
  /// What was counted until then is the result, not complete.
  void stop() noexcept { stop_.set(StopLevel::kNow); }
  /// Waits for the end. A source that could not be read to its end is reported in the result; any
  /// other error is thrown.
  const CollectionCensus& result();

 private:
  struct Part {
    Partition partition;
    Collector collector;
    std::vector<CensusBreak> breaks;
    uint64_t passed = 0, tolerated = 0;
    bool complete = false;
  };

  double chance_of_sample();
  void work() noexcept;
  void read(Part& part, uint64_t number);
  void count(Part& part, uint64_t number, Cursor& cursor);
  void conclude();

  std::shared_ptr<Source> source_;
  SurveySettings settings_;
  SourceInfo info_;
  double chance_ = 1;
  Stopwatch watch_;
  double seconds_ = 0;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<std::jthread> threads_;
  std::atomic<size_t> next_{0}, left_{0};
  std::atomic<uint64_t> documents_{0}, bytes_{0};
  StopFlag stop_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::exception_ptr fault_;
  std::unique_ptr<CollectionCensus> result_;
};

}  // namespace lugger
