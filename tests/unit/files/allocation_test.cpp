#include <atomic>
#include <cstdlib>
#include <new>

#include "reading.hpp"
#include "registry/registry.hpp"

namespace {
std::atomic<uint64_t> allocations{0};
}

// Counts what the whole test program allocates; the threads of the streams included.
void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* out = std::malloc(size == 0 ? 1 : size)) return out;
  throw std::bad_alloc();
}
void* operator new[](size_t size) { return operator new(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](size_t size, const std::nothrow_t& quietly) noexcept {
  return operator new(size, quietly);
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, size_t) noexcept { std::free(at); }
void operator delete[](void* at, size_t) noexcept { std::free(at); }

namespace lugger::test {

TEST_CASE("in steady state a cursor allocates nothing") {
  const Scratch scratch;
  std::string bson;
  for (int i = 0; i < 20000; ++i) bson += small_document(i, static_cast<size_t>(i % 300));
  for (const std::string& path :
       {scratch.write("a.bson", bson), scratch.write("b.bson.gz", gzipped(bson))}) {
    INFO(path);
    Arena arena;
    Batch batch(arena);
    batch.max_documents = 500;
    const auto source = open_source(path, {});
    const auto cursor = source->open(source->split(1)[0]);
    uint64_t before = 0;
    int batches = 0;
    bool more = true;
    while (more && batches < 36) {
      more = cursor->fill(batch);
      batch.clear();
      arena.reset();
      if (++batches == 20) before = allocations.load();
    }
    CHECK(more);
    CHECK(allocations.load() == before);
  }
}

}  // namespace lugger::test
