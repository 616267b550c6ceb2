// Jobs over files made for one test, into JSON lines or a private PostgreSQL: what the engine's
// tests share.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "catch.hpp"
#include "engine/job.hpp"
#include "postgres/session.hpp"
#include "test_data.hpp"

namespace lugger::test {

/// A directory that goes away with the test.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::vector<std::string>& bson) const;
  std::vector<std::string> lines(const std::string& name) const;

 private:
  std::string path_;
};

/// A fresh database of the one server of this program; without server binaries the program ends as
/// skipped.
class Database {
 public:
  Database();
  const std::string& url() const { return url_; }
  /// Rows joined by "\n", columns by "|".
  std::string rows(const std::string& query);

 private:
  std::string url_;
};

inline std::string dump(const std::string& file) {
  return test_data() + "/named/dump/shop/" + file;
}

/// {_id: i, n: i, pad: "xxx.."} for i in [0, count).
std::vector<std::string> numbered(int count, size_t padding = 0);

Column column(std::string name, std::string_view type, std::string from = {});
/// mongo_id and the columns given, into table docs; policy skip. `place`: a file or a URL; state of
/// a file lies beside it.
JobSpec spec(const std::string& source, const std::string& place, std::vector<Column> columns);
RunSettings one_worker();
/// Runs to the end.
RunResult run(JobSpec spec, RunSettings settings = one_worker());
/// "read 3: inserted 2, updated 0, unchanged 0, skipped 0, rejected 1"
std::string counts(const Tally& tally);

/// A hook that waits at one batch, so that a run has a middle that the test can rely on.
class Gate {
 public:
  explicit Gate(int batch) : batch_(batch) {}
  HookFactory hook();
  void await();
  void open();

 private:
  struct Hook;
  void pass();
  int batch_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int passed_ = 0;
  bool reached_ = false, open_ = false;
};

/// Runs and returns the Error; fails the test when there is none.
template <typename Function>
Error error_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error was raised");
  return Error(Code::kBug, "unreachable");
}

}  // namespace lugger::test
