// What is known while servers do not answer: for progress, and for how long a run waits for them.
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace lugger {

/// The message that a run shows while it waits.
inline constexpr std::string_view kServerAway =
    "the connection to the server is lost; trying again";

/// Why a run waits for a server, and for how long it has.
struct Waiting {
  std::string reason;  // "": it does not wait
  std::string lost;    // what the server, or the attempt to reach it, said last; "": nothing
  double seconds = 0;  // since it was heard of
};

/// Shared by the threads of a run that may lose a server.
class Away {
 public:
  /// A patient one waits without an end for a server that it has reached once: a feed is to run for
  /// weeks. It also waits when its user or password is refused, because passwords change.
  void be_patient(bool patient = true) noexcept { patient_ = patient; }
  bool is_patient() const noexcept { return patient_; }
  bool outlasts(const Error& error) const noexcept {
    return patient_ && reached_ && error.sqlstate().starts_with(kNoEntry);
  }

  /// One of the threads begins to wait for a server.
  void begin(const std::string& why) {
    const std::lock_guard lock(mutex_);
    ++waiting_;
    why_ = why;
  }
  /// It waits on, for another reason maybe.
  void still(const std::string& why) {
    const std::lock_guard lock(mutex_);
    why_ = why;
  }
  void end() noexcept {
    const std::lock_guard lock(mutex_);
    --waiting_;
  }
  /// A server has answered.
  void heard() noexcept {
    reached_ = true;
    const std::lock_guard lock(mutex_);
    since_ = {};
  }
  /// While one lives, a thread asks the source, whose answers take no longer than a second or two.
  class Asking {
   public:
    explicit Asking(Away& away) noexcept : away_(away) { ++away_.asking_; }
    ~Asking() { --away_.asking_; }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    void answered() noexcept { away_.heard(); }

   private:
    Away& away_;
  };

  bool any() const {
    const std::lock_guard lock(mutex_);
    return waiting_ != 0;
  }
  Waiting now() const {
    constexpr double kSilence = 5;  // no answer takes that long
    const std::lock_guard lock(mutex_);
    const double seconds = since_.seconds();
    if (waiting_ != 0) return {std::string(kServerAway), why_, seconds};
    if (asking_ != 0 && seconds >= kSilence) return {"no answer from the source", {}, seconds};
    return {};
  }

 private:
  static constexpr std::string_view kNoEntry = "28";  // SQLSTATE: invalid authorization
  std::atomic<bool> patient_{false}, reached_{false};
  std::atomic<int> asking_{0};
  mutable std::mutex mutex_;  // guards what follows
  int waiting_ = 0;
  std::string why_;
  Stopwatch since_;  // a server was heard of
};

}  // namespace lugger
