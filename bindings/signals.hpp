// Ctrl-C, SIGTERM, SIGHUP: once asks to finish, twice to stop at once, three times leaves without a
// word.
#pragma once
#include <lua.hpp>

#include "bindings/modules.hpp"

namespace lugger {

/// From now on signals raise signal_stop() and, while interrupts raise, an error in this state.
void install_signals(lua_State* L);
/// Before the state is closed.
void forget_signals() noexcept;
/// Whether a signal raises an error of code "interrupted" in the control state. Returns what it
/// was.
bool set_interrupt_raises(bool raises) noexcept;

/// While native code that looks at the stop itself runs: Lua must not raise a second error for the
/// same Ctrl-C when it comes back.
class HeldInterrupt {
 public:
  HeldInterrupt() noexcept;
  ~HeldInterrupt();
  HeldInterrupt(const HeldInterrupt&) = delete;
  HeldInterrupt& operator=(const HeldInterrupt&) = delete;
  /// Nothing here has acted on it: Lua is to raise it after all.
  void pass_on() noexcept { passed_on_ = true; }

 private:
  bool before_, passed_on_ = false;
};

}  // namespace lugger
