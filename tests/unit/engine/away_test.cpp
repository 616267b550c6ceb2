#include "engine/away.hpp"

#include <thread>

#include "catch.hpp"
#include "engine/retry.hpp"

namespace lugger {
namespace {

const Error kLost(Code::kConnect, "the socket was closed");
const Error kRefused(Code::kAuth, "password authentication failed", "", "28P01");

TEST_CASE("a run gives up after ten attempts, and a patient one never") {
  Away hasty, patient;
  patient.be_patient();
  Backoff one(&hasty), other(&patient), alone;
  for (int i = 0; i < 10; ++i) {
    CHECK(one.begin("gone"));
    CHECK(alone.begin());
  }
  CHECK_FALSE(one.begin("gone"));
  CHECK_FALSE(alone.begin());
  for (int i = 0; i < 1000; ++i) REQUIRE(other.begin("gone"));
}

TEST_CASE("who is refused is waited for only by the patient, once the server was reached") {
  StopFlag stop;
  stop.set(StopLevel::kNow);  // the waits end at once; begun() tells whether there was one
  const auto waits = [&](Away& away, const Error& error) {
    Backoff backoff(&away);
    backoff.wait(stop, error);
    return backoff.begun();
  };
  Away away;
  CHECK(waits(away, kLost));
  CHECK_FALSE(waits(away, kRefused));
  away.be_patient();
  CHECK_FALSE(waits(away, kRefused));
  away.heard();
  CHECK(waits(away, kRefused));
  CHECK(waits(away, kLost));
  CHECK_FALSE(waits(away, Error(Code::kAuth, "permission denied", "", "42501")));
  CHECK_FALSE(waits(away, Error(Code::kRead, "no such collection")));
}

TEST_CASE("why a run waits is told until the server answers") {
  Away away;
  CHECK(away.now().reason.empty());
  {
    Backoff backoff(&away), another(&away);
    REQUIRE(backoff.begin("no route"));
    REQUIRE(another.begin("refused"));
    CHECK(away.now().reason == kServerAway);
    CHECK(away.now().lost == "refused");
    another.reset();
    CHECK(away.any());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(away.now().seconds >= 0.02);
    backoff.reset();
    CHECK_FALSE(away.any());
    CHECK(away.now().seconds < 0.02);
  }
  CHECK(away.now().reason.empty());
}

}  // namespace
}  // namespace lugger
