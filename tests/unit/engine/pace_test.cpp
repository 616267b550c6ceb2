#include "engine/pace.hpp"

#include "base/error.hpp"
#include "catch.hpp"

namespace lugger {

TEST_CASE("S0-02 hours of the day, over midnight too") {
  const Hours night = parse_hours("22:00-05:00");
  CHECK(night.contains(23 * 60));
  CHECK(night.contains(0));
  CHECK(night.contains(4 * 60 + 59));
  CHECK_FALSE(night.contains(5 * 60));
  CHECK_FALSE(night.contains(12 * 60));
  const Hours day = parse_hours("08:30-17:00");
  CHECK(day.contains(8 * 60 + 30));
  CHECK_FALSE(day.contains(17 * 60));
  for (const char* text : {"", "22-5", "25:00-05:00", "22:00", "22:00-22:00", "22:61-23:00"})
    CHECK_THROWS_AS(parse_hours(text), Error);
}

TEST_CASE("S0-02 a pause holds a worker until it is lifted or the run is stopped") {
  Pace pace;
  StopFlag stop;
  CHECK(pace.wait(1000, stop));
  pace.pause();
  std::atomic<int> passed{0};
  std::thread worker([&] { passed = pace.wait(0, stop) ? 1 : -1; });
  while (pace.waits_for().empty()) std::this_thread::yield();
  CHECK(passed == 0);
  pace.resume();
  worker.join();
  CHECK(passed == 1);
  pace.pause();
  stop.set(StopLevel::kFinish);
  CHECK_FALSE(pace.wait(0, stop));
}

TEST_CASE("S0-02 a speed lets so much pass in a second, and saves up one second at most") {
  using namespace std::chrono_literals;
  const Speed::Time start(1000s);
  Speed speed;
  speed.did(1e9, start);
  CHECK(speed.free(start));  // no bound
  speed.set(100, start);
  CHECK(speed.free(start));
  speed.did(250, start);
  CHECK_FALSE(speed.free(start + 2400ms));
  CHECK(speed.free(start + 2500ms));
  speed.did(50, start + 60s);
  CHECK(speed.free(start + 60s));  // a second was saved up, and half of it used
  speed.did(150, start + 60s);
  CHECK_FALSE(speed.free(start + 60900ms));
  CHECK(speed.free(start + 61s));
}

TEST_CASE("S0-02 bytes of the source hold a run back as its rows do") {
  Pace pace;
  ThrottleSpec spec;
  spec.source_mbps = 2;
  pace.set_throttle(nullptr, spec);
  CHECK(pace.source_speed() == 2);
  CHECK(pace.free());
  pace.took(1'000'000'000);
  CHECK_FALSE(pace.free());
  pace.set_source_speed(0);
  CHECK(pace.free());
}

}  // namespace lugger
