#include "base/arena.hpp"

#include <map>

#include "catch.hpp"

using namespace lugger;

TEST_CASE("an arena keeps what it hands out at its address until reset") {
  Arena arena(64);
  std::map<uint8_t*, uint8_t> given;
  for (int i = 0; i < 200; ++i) {
    uint8_t* p = arena.allocate(1 + static_cast<size_t>(i) % 40);
    *p = static_cast<uint8_t>(i);
    REQUIRE(given.emplace(p, static_cast<uint8_t>(i)).second);
  }
  for (const auto& [p, byte] : given) CHECK(*p == byte);
}

TEST_CASE("a warm arena takes no more memory") {
  Arena arena(1024);
  const auto fill = [&] {
    for (int i = 0; i < 50; ++i) arena.allocate(100);
    arena.allocate(5000);
  };
  fill();
  const size_t warm = arena.capacity();
  for (int round = 0; round < 20; ++round) {
    arena.reset();
    CHECK(arena.used() == 0);
    fill();
    CHECK(arena.capacity() == warm);
  }
}

TEST_CASE("a writer's bytes survive growing into a new chunk") {
  Arena arena(64);
  arena.allocate(40);
  ArenaWriter writer(arena, 8);
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    writer.append(std::to_string(i));
    expected += std::to_string(i);
  }
  const Bytes written = writer.finish();
  uint8_t* next = arena.allocate(8);
  std::fill_n(next, 8, 0xFF);
  CHECK(as_text(written) == expected);
}

TEST_CASE("a writer that is not finished leaves nothing") {
  Arena arena(64);
  uint8_t* before = arena.reserve(1);
  {
    ArenaWriter writer(arena, 8);
    writer.append("gone");
  }
  CHECK(arena.reserve(1) == before);
}
