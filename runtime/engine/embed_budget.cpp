#include "engine/embed_budget.hpp"

#include <cmath>

#include "base/error.hpp"
#include "engine/embed_store.hpp"

namespace lugger {
namespace {

constexpr double kNano = 1e9;

/// From above: a token is at least a byte, and models put a mark before and behind each text.
int64_t most_tokens(const EmbedLoad& load) noexcept {
  return static_cast<int64_t>(load.bytes + 2 * load.texts);
}

int64_t price_of(int64_t tokens, double per_million) noexcept {
  return static_cast<int64_t>(std::ceil(static_cast<double>(tokens) / 1e6 * per_million * kNano));
}

}  // namespace

void EmbedBudget::begin(EmbedStore* store, const std::string& run, const EmbedCaps& caps) {
  const std::lock_guard lock(mutex_);
  store_ = store;
  run_ = run;
  caps_ = caps;
  const EmbedSpent spent = store == nullptr ? EmbedSpent{} : store->spent(run);
  requests_ = spent.requests, tokens_ = spent.tokens, nano_usd_ = spent.nano_usd;
}

std::string EmbedBudget::cap_beyond(int64_t tokens, int64_t nano_usd) const {
  if (caps_.usd > 0 && static_cast<double>(nano_usd_ + nano_usd) > caps_.usd * kNano)
    return fmt::format("max_usd = {}", caps_.usd);
  if (caps_.tokens != 0 && tokens_ + tokens > static_cast<int64_t>(caps_.tokens))
    return fmt::format("max_tokens = {}", caps_.tokens);
  if (caps_.requests != 0 && requests_ + 1 > static_cast<int64_t>(caps_.requests))
    return fmt::format("max_requests = {}", caps_.requests);
  return {};
}

void EmbedBudget::spend(const EmbedLoad& load, double per_million) {
  const int64_t tokens = most_tokens(load), nano_usd = price_of(tokens, per_million);
  std::unique_lock lock(mutex_);
  if (std::string cap = cap_beyond(tokens, nano_usd); !cap.empty()) {
    // What others have asked for is paid: it is to be kept before this error ends the run.
    ++refused_;
    answered_.notify_all();
    answered_.wait(lock, [&] { return asking_ <= refused_; });
    refuse(cap, load);
  }
  requests_ += 1, tokens_ += tokens, nano_usd_ += nano_usd;
  if (store_ != nullptr)
    store_->spend(run_, {1, static_cast<int64_t>(load.texts), tokens, nano_usd});
}

void EmbedBudget::settle(const EmbedLoad& load, double per_million, uint64_t counted) {
  const auto tokens = static_cast<int64_t>(counted);
  const int64_t more = tokens - most_tokens(load),
                nano_usd = price_of(tokens, per_million) - price_of(most_tokens(load), per_million);
  const std::lock_guard lock(mutex_);
  tokens_ += more, nano_usd_ += nano_usd;
  if (store_ != nullptr) store_->spend(run_, {0, 0, more, nano_usd});
}

void EmbedBudget::refuse(const std::string& cap, const EmbedLoad& load) {
  throw Error(
      Code::kBudget,
      fmt::format("{} leaves no room for the next request ({} texts of {} bytes): {} requests, {} "
                  "tokens at most and {:.6f} USD are spent",
                  cap, load.texts, load.bytes, requests_, tokens_,
                  static_cast<double>(nano_usd_) / kNano),
      "the same command with a greater one goes on: --max-usd, --max-tokens, --max-requests; what "
      "is paid for is kept");
}

EmbedBudget::Asking::Asking(EmbedBudget& budget) : budget_(budget) {
  const std::lock_guard lock(budget_.mutex_);
  ++budget_.asking_;
}

EmbedBudget::Asking::~Asking() {
  const std::lock_guard lock(budget_.mutex_);
  --budget_.asking_;
  budget_.answered_.notify_all();
}

EmbedBudget::Sums EmbedBudget::sums() {
  const std::lock_guard lock(mutex_);
  return {static_cast<uint64_t>(requests_), static_cast<uint64_t>(tokens_),
          static_cast<double>(nano_usd_) / kNano};
}

}  // namespace lugger
