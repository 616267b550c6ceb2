#include "counting.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<uint64_t> counted{0};
void count() noexcept { counted.fetch_add(1, std::memory_order_relaxed); }
}  // namespace

namespace lugger::test {
uint64_t allocations() noexcept { return counted.load(std::memory_order_relaxed); }
}  // namespace lugger::test

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// In front of the C library's own, so that what OpenSSL and simdjson take is counted too.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* at, size_t size) {
  count();
  return __libc_realloc(at, size);
}
}
#else
// A sanitizer keeps malloc to itself.
void* operator new(size_t size) {
  count();
  if (void* out = std::malloc(size == 0 ? 1 : size)) return out;
  throw std::bad_alloc();
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, size_t) noexcept { std::free(at); }
void operator delete[](void* at, size_t) noexcept { std::free(at); }
#endif
