#include "bindings/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "bindings/guard.hpp"

namespace lugger {

// A signal handler can only use objects with static storage; these are the only three.
static StopFlag g_stop;
static std::atomic<lua_State*> g_state{nullptr};
static std::atomic<bool> g_raises{true};

StopFlag& signal_stop() noexcept { return g_stop; }

static void raise_in_lua(lua_State* L, lua_Debug*) {
  lua_sethook(L, nullptr, 0, 0);
  g_stop.set(StopLevel::kNone);
  push_error(L, Error(Code::kInterrupted, "interrupted"));
  lua_error(L);
}

/// lua_sethook is the only function of LuaJIT that a signal handler may call.
static void interrupt_lua() {
  lua_State* L = g_state.load();
  if (L != nullptr && g_raises.load())
    lua_sethook(L, raise_in_lua, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void on_signal(int number) {
  if (g_stop.level() == StopLevel::kNow) _exit(128 + number);
  g_stop.raise();
  interrupt_lua();
}

void install_signals(lua_State* L) {
  g_state = L;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);  // nohup stays in force
  }
  signal(SIGPIPE, SIG_IGN);
}

void forget_signals() noexcept { g_state = nullptr; }

bool set_interrupt_raises(bool raises) noexcept { return g_raises.exchange(raises); }

HeldInterrupt::HeldInterrupt() noexcept : before_(set_interrupt_raises(false)) {}

HeldInterrupt::~HeldInterrupt() {
  set_interrupt_raises(before_);
  if (!before_ || !g_stop.requested()) return;
  if (passed_on_) {
    interrupt_lua();
  } else {
    g_stop.set(StopLevel::kNone);
  }
}

}  // namespace lugger
