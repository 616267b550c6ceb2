#include "bindings/stack_guard.hpp"

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace lugger {
namespace {

/// Enough for what a native function does: parse, convert, query a server, unwind.
constexpr size_t kReserve = size_t{256} * 1024;

/// The lowest address that may be used; 0: unknown, and treated as never short.
uintptr_t lowest_address() noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  size_t size = 0;
  const bool known = pthread_attr_getstack(&attributes, &lowest, &size) == 0 && size > 2 * kReserve;
  pthread_attr_destroy(&attributes);
  return known ? reinterpret_cast<uintptr_t>(lowest) + kReserve : 0;
}

}  // namespace

bool stack_is_short() noexcept {
  thread_local const uintptr_t lowest = lowest_address();
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < lowest;
}

int check_stack(lua_State* L) {
  if (stack_is_short()) return luaL_error(L, "stack overflow");
  return 0;
}

}  // namespace lugger
