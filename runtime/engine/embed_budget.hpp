// What a run may spend on models, counted by the requests that are sent.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "embed/embedder.hpp"

namespace lugger {

class EmbedStore;

/// 0: no limit.
struct EmbedCaps {
  double usd = 0;
  uint64_t tokens = 0, requests = 0;
};

/// Any thread. A request that is not answered, or whose answer does not say its tokens, counts as if
/// each of its bytes were a token: there are never more.
class EmbedBudget {
 public:
  /// `store` keeps what is spent, so that a run which is resumed goes on counting; null: nobody does.
  void begin(EmbedStore* store, const std::string& run, const EmbedCaps& caps);
  /// Error{budget} when the request could go beyond a cap; the requests that are under way are
  /// answered first.
  void spend(const EmbedLoad& load, double per_million);
  void settle(const EmbedLoad& load, double per_million, uint64_t tokens);

  /// While it exists, a thread may be waiting for an answer.
  class Asking {
   public:
    explicit Asking(EmbedBudget& budget);
    ~Asking();
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

   private:
    EmbedBudget& budget_;
  };
  struct Sums {
    uint64_t requests = 0, tokens = 0;
    double usd = 0;
  };
  Sums sums();

 private:
  [[noreturn]] void refuse(const std::string& cap, const EmbedLoad& load);
  std::string cap_beyond(int64_t tokens, int64_t nano_usd) const;

  std::mutex mutex_;
  std::condition_variable answered_;
  int asking_ = 0, refused_ = 0;  // threads
  EmbedStore* store_ = nullptr;
  std::string run_;
  EmbedCaps caps_;
  int64_t requests_ = 0, tokens_ = 0, nano_usd_ = 0;
};

}  // namespace lugger
