// Ctrl-C, SIGTERM, SIGHUP: the first asks to finish, the second to stop at once, the third exits
// immediately.
#pragma once
#include <lua.hpp>

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

 private:
  bool before_, passed_on_ = false;
};

}  // namespace lugger
