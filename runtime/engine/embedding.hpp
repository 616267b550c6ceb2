// The models of a job's columns: what they are asked, what is kept of their answers, what it costs.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/embed_budget.hpp"
#include "engine/embed_store.hpp"
#include "plan/plan.hpp"

namespace lugger {

enum class EmbedMode : uint8_t {
  kAsk,    // the models are asked for what is not kept
  kKept,   // they are not: Error{config} for a text whose vector is not kept
  kCount,  // what would be asked is counted
};

/// One model of one column, as its workers share it.
struct EmbedModel {
  EmbedSettings settings;
  std::string column, shown;
  size_t dimensions = 0;  // of the column; 0: any
  std::string words;      // what tells vectors of this making from others
  int64_t making = 0;
  EmbedStore* store = nullptr;  // null: nothing is kept yet, and nothing is to be
  std::vector<std::shared_ptr<HttpEndpoint>> endpoints;  // one a key
  std::unique_ptr<EmbedMeter> meter;
  std::atomic<uint64_t> asked{0}, kept{0}, bytes{0};  // texts; and what would be sent

  std::mutex mutex;
  std::condition_variable answered;
  std::set<std::string> in_flight;  // digests that a worker waits for
};

/// Shared by the workers of a job.
class Embedding {
 public:
  explicit Embedding(const PlanShape& shape);
  ~Embedding();

  /// Before the first worker of a run: from now on it is counted. Caps that are given take the place
  /// of the models'.
  void begin(const std::string& run, const EmbedCaps& given);
  /// For one worker.
  std::unique_ptr<TextVectors> open(EmbedMode mode);
  /// What was asked, for the summary; a line a model.
  std::vector<std::string> notes();

  EmbedModel& model_of(const Column& column) { return *models_.at(column.embed.get()); }
  EmbedBudget& budget() noexcept { return budget_; }

 private:
  void open_stores(bool make);

  EmbedBudget budget_;
  std::map<std::string, std::unique_ptr<EmbedStore>> stores_;  // by file
  std::map<const EmbedSettings*, std::unique_ptr<EmbedModel>> models_;
  std::mutex mutex_;
  std::atomic<size_t> workers_{0};
  bool counts_ = false;
};

bool has_models(const PlanShape& shape);
/// Notes in the manifests which models make vectors. Error{config} where the job says another.
void note_models(Mapping& mapping);

}  // namespace lugger
