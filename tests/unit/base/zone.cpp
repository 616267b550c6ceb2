#include "base/zone.hpp"

#include "catch.hpp"

using namespace lugger;

namespace {

constexpr int64_t kGap = 1774746000;     // 2026-03-29 01:00 UTC: 02:00 becomes 03:00 in Berlin
constexpr int64_t kRepeat = 1792890000;  // 2026-10-25 01:00 UTC: 03:00 becomes 02:00

}  // namespace

TEST_CASE("zones have numbers") {
  const int32_t berlin = find_zone("Europe/Berlin");
  REQUIRE(berlin >= 2);
  CHECK(find_zone("Europe/Berlin") == berlin);
  CHECK(find_zone("America/New_York") != berlin);
  CHECK(zone_name(berlin) == "Europe/Berlin");
  CHECK(zone_abbreviation(berlin, kGap) == "CEST");
  CHECK(zone_names().find("\nEurope/Berlin\n") != std::string::npos);
  CHECK(zone_offset(berlin, kGap - 1) == 3600);
  CHECK(zone_offset(berlin, kGap) == 7200);
  CHECK(zone_offset(berlin, -3000000000) == 3208);  // local mean time
}

TEST_CASE("names of zones do not lead out of their database") {
  for (const char* name : {"", "Europe", "europe/berlin", "../../../etc/passwd", "/etc/passwd",
                           "Europe/../Europe/Berlin", "posix/Europe/Berlin", "Fixed/UTC+01:00:00",
                           "file:Europe/Berlin", "tzdata.zi"})
    CHECK(find_zone(name) == 0);
}

TEST_CASE("local times that clocks skip or show twice") {
  const int32_t berlin = find_zone("Europe/Berlin");
  CHECK(zone_instant(berlin, kGap + 3599) == kGap - 1);
  CHECK(zone_instant(berlin, kGap + 3600 + 1800) == kGap + 1800);  // 02:30, skipped
  CHECK(zone_instant(berlin, kGap + 7200) == kGap);
  CHECK(zone_instant(berlin, kRepeat + 3600 - 1) == kRepeat - 3600 - 1);
  CHECK(zone_instant(berlin, kRepeat + 3600) == kRepeat);  // 02:00, the second
  CHECK(zone_instant(berlin, kRepeat + 7199) == kRepeat + 3599);
}
