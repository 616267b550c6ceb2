// Ctrl-C, SIGTERM, SIGHUP: the first asks to finish, the second to stop at once, the third exits
// immediately.
#pragma once
#include <exception>
#include <lua.hpp>

#include "base/stop.hpp"
#include "bindings/modules.hpp"

namespace lugger {

/// From now on signals set signal_stop(). While interrupts raise, they also raise an error in this
/// state.
void install_signals(lua_State* L);
/// Must be called before the state is closed.
void forget_signals() noexcept;
/// Sets whether a signal raises an error of code "interrupted" in the control state. Returns the
/// previous setting.
bool set_interrupt_raises(bool raises) noexcept;

/// Use this while native code runs that checks the stop itself, so that Lua does not raise a second
/// error for the same Ctrl-C afterwards.
class HeldInterrupt {
 public:
  HeldInterrupt() noexcept;
  ~HeldInterrupt();
  HeldInterrupt(const HeldInterrupt&) = delete;
  HeldInterrupt& operator=(const HeldInterrupt&) = delete;
  /// Call this when the native code did not react to the stop: then Lua raises the error.
  void pass_on() noexcept { passed_on_ = true; }
  /// Whether a signal raised an error before.
  bool raised() const noexcept { return before_; }

 private:
  bool before_, passed_on_ = false;
};

/// Use this while native code looks at a place: nothing has begun that the first Ctrl-C could let
/// finish, so it ends a wait for the server at once.
class EndsAtOnce {
 public:
  EndsAtOnce() noexcept
      : scope_(*StopScope::current().stop,
               held_.raised() ? StopLevel::kFinish : StopScope::current().from) {}
  ~EndsAtOnce() {
    if (std::uncaught_exceptions() == exceptions_) held_.pass_on();
  }
  EndsAtOnce(const EndsAtOnce&) = delete;
  EndsAtOnce& operator=(const EndsAtOnce&) = delete;

 private:
  HeldInterrupt held_;
  StopScope scope_;
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace lugger
