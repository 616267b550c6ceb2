// Moves of a live collection into a database: what their tests share.
#pragma once
#include <thread>

#include "engine/job_impl.hpp"
#include "engine_fixture.hpp"
#include "live.hpp"

namespace lugger::test {

inline JobSpec move_spec(const std::string& url) {
  JobSpec out = spec("-", url, {column("n", "int4")});
  out.mapping.on_conflict = OnConflict::kUpdate;
  out.resume_command = "lugger move docs.lua";
  return out;
}

inline std::unique_ptr<Job> live_job(Writes& writes, JobSpec spec, std::string identity = "live") {
  auto job = std::make_unique<Job>(std::move(spec));
  job->impl().source = std::make_unique<LiveSource>(writes, std::move(identity));
  return job;
}

inline RunSettings following() {
  RunSettings out = one_worker();
  out.follow = true;
  out.create = false;
  return out;
}

/// Polls until it is so, or the test has failed.
template <typename Condition>
bool becomes(Condition&& condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

inline constexpr char kRows[] = "select mongo_id, n from docs order by substr(mongo_id, 4)::int";
inline constexpr char kKept[] = "select position, spooled from lugger.feeds";

inline bool equal(Database& database, const Writes& writes) {
  return becomes([&] { return database.rows(kRows) == writes.rows(); });
}

inline bool spooled(Database& database, const Writes& writes) {
  return becomes(
      [&] { return database.rows("select position from lugger.feeds") == place(writes.done()); });
}

/// Copies with a spooler beside it, to the end of both.
inline RunResult copy(Job& job, const RunSettings& settings = one_worker()) {
  const std::unique_ptr<Spooler> spooler = job.spool(settings.restart);
  const RunResult out = job.start(settings)->result();
  spooler->stop();
  return out;
}

inline std::string told(const Tally& t) {
  return fmt::format("read {}: inserted {}, updated {}, unchanged {}, deleted {}, rejected {}",
                     t.read, t.inserted, t.updated, t.unchanged, t.deleted, t.rejected);
}

}  // namespace lugger::test
