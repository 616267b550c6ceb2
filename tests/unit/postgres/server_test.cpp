#include "postgres/server.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "catch.hpp"
#include "postgres/binaries.hpp"
#include "postgres/server_fixture.hpp"
#include "postgres/session.hpp"

using namespace lugger;

namespace {

namespace fs = std::filesystem;

struct Scratch {
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "lugger-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
    chmod(pattern.c_str(), 0755);
  }
  ~Scratch() { fs::remove_all(path); }
  fs::path path;
};

/// One cluster for the tests that only need some durable one: making it takes longer than they do.
/// Each leaves it stopped.
const fs::path& durable_directory() {
  static const Scratch scratch;
  static const fs::path directory = scratch.path / "pg";
  return directory;
}

pid_t server_pid(const fs::path& directory) {
  std::ifstream in(directory / "data" / "postmaster.pid");
  pid_t pid = 0;
  in >> pid;
  return pid;
}

std::string answer(const std::string& url, const std::string& sql) {
  return PgSession(url, "test").query(sql).text(0, 0);
}

/// A second process that uses the same directory: says "+" when it has the server, ends when told,
/// cleanly or as if killed.
class Other {
 public:
  explicit Other(const fs::path& directory) {
    int down[2], up[2];
    if (pipe(down) != 0 || pipe(up) != 0) throw std::runtime_error("pipe");
    child_ = fork();
    if (child_ == 0) {
      close(down[1]);
      close(up[0]);
      char word = '-';
      try {
        PgServer server(directory.string());
        word = answer(server.url(), "select 1") == "1" ? '+' : '-';
        if (write(up[1], &word, 1) != 1 || read(down[0], &word, 1) < 0) _exit(1);
      } catch (const std::exception&) {
        word = '!';
        if (write(up[1], &word, 1) != 1) _exit(1);
      }
      _exit(0);
    }
    close(down[0]);
    close(up[1]);
    to_ = down[1];
    from_ = up[0];
  }
  ~Other() {
    close(from_);
    close(to_);
  }
  char said() {
    char word = 0;
    return read(from_, &word, 1) == 1 ? word : '?';
  }
  void end(int signal) {
    if (signal != 0) kill(child_, signal);
    if (signal == 0 && write(to_, "x", 1) != 1) throw std::runtime_error("write");
    int status = 0;
    waitpid(child_, &status, 0);
  }

 private:
  pid_t child_ = 0;
  int to_ = -1, from_ = -1;
};

}  // namespace

TEST_CASE("a directory's data outlives its server, which ends with its last user") {
  test_server();  // skips when there is none
  const Scratch scratch;
  const fs::path directory = scratch.path / "pg with space";
  {
    const PgServer server(directory.string());
    PgSession session(server.url(), "test");
    session.execute("create table kept as select 42 as a");
    CHECK(session.query("show listen_addresses").text(0, 0).empty());
    CHECK(session.query("show fsync").text(0, 0) == "on");
    CHECK(session.query("show server_encoding").text(0, 0) == "UTF8");
    CHECK(session.query("select current_user").text(0, 0) == "lugger");
    struct stat info {};
    REQUIRE(stat(directory.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
  }
  CHECK_FALSE(fs::exists(directory / "data" / "postmaster.pid"));
  const PgServer again(directory.string());
  CHECK(answer(again.url(), "select a from kept") == "42");
}

TEST_CASE("processes share a directory's server; the last to leave stops it") {
  test_server();
  const fs::path directory = durable_directory();
  Other other(directory);
  REQUIRE(other.said() == '+');
  const pid_t pid = server_pid(directory);
  {
    const PgServer mine(directory.string());
    CHECK(server_pid(directory) == pid);
    other.end(0);
    CHECK(answer(mine.url(), "select 1") == "1");
  }
  CHECK_FALSE(fs::exists(directory / "data" / "postmaster.pid"));
}

TEST_CASE("a server left by a killed process is joined by the next, and then stopped") {
  test_server();
  const fs::path directory = durable_directory();
  pid_t pid = 0;
  {
    Other other(directory);
    REQUIRE(other.said() == '+');
    pid = server_pid(directory);
    other.end(SIGKILL);
  }
  REQUIRE(kill(pid, 0) == 0);
  {
    const PgServer mine(directory.string());
    CHECK(server_pid(directory) == pid);
    CHECK(answer(mine.url(), "select 1") == "1");
  }
  CHECK_FALSE(fs::exists(directory / "data" / "postmaster.pid"));
}

TEST_CASE("a directory too long for a socket still works") {
  test_server();
  const Scratch scratch;
  const fs::path directory = scratch.path / std::string(120, 'd') / "it's, a pg";
  fs::create_directories(directory.parent_path());
  const PgServer server(directory.string());
  CHECK(answer(server.url(), "select 1") == "1");
}

TEST_CASE("a server that dies is a lost connection and starts again") {
  test_server();
  const fs::path directory = durable_directory();
  {
    const PgServer server(directory.string());
    PgSession session(server.url(), "test");
    session.execute("create table t(a text)");
    session.begin();
    session.copy_in_start("copy t from stdin");
    const std::string rows = std::string(999, 'x') + "\n";
    for (int i = 0; i < 2000; ++i) session.copy_in_put(as_bytes(rows));
    REQUIRE(kill(server_pid(directory), SIGQUIT) == 0);
    while (server_pid(directory) != 0) usleep(1000);
    for (int i = 0; i < 2000; ++i) session.copy_in_put(as_bytes(rows));
    try {
      session.copy_in_end();
      FAIL("the COPY of a dead server succeeded");
    } catch (const Error& error) {
      CHECK(error.code() == Code::kConnect);
    }
  }
  const PgServer again(directory.string());
  CHECK(answer(again.url(), "select count(*) from t") == "0");
}

TEST_CASE("a directory that is not ours is refused, and a broken one says what its log says") {
  test_server();
  const Scratch scratch;
  std::ofstream(scratch.path / "letters.txt") << "dear";
  CHECK_THROWS_WITH(PgServer(scratch.path.string()), ContainsSubstring("not empty"));
  const fs::path directory = scratch.path / "pg";
  { const PgServer server(directory.string()); }
  std::ofstream(directory / "data" / "postgresql.conf", std::ios::app) << "no_such_setting = 1\n";
  CHECK_THROWS_WITH(PgServer(directory.string()), ContainsSubstring("no_such_setting"));
}

TEST_CASE("a directory that a shell would read as a command is refused") {
  const Scratch scratch;
  CHECK_THROWS_WITH(PgServer((scratch.path / "$(touch gone)").string()),
                    ContainsSubstring("none of"));
  CHECK(fs::is_empty(scratch.path));
}

TEST_CASE("missing servers name the package") {
  const Scratch scratch;
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  CHECK_THROWS_WITH(find_server_binaries(std::nullopt, scratch.path),
                    ContainsSubstring("apt-get install postgresql"));
  CHECK_THROWS_WITH(find_server_binaries(9, scratch.path),
                    ContainsSubstring("apt-get install postgresql-9"));
  for (const char* version : {"9.6", "15", "17"}) {
    const fs::path bin = scratch.path / version / "bin";
    fs::create_directories(bin);
    for (const char* program : {"initdb", "postgres", "pg_ctl"}) {
      std::ofstream(bin / program) << "#!/bin/sh\n";
      fs::permissions(bin / program, fs::perms::owner_all);
    }
  }
  CHECK(find_server_binaries(std::nullopt, scratch.path).directory == scratch.path / "17" / "bin");
  CHECK(find_server_binaries(15, scratch.path).directory == scratch.path / "15" / "bin");
  setenv("PATH", path.c_str(), 1);
}

TEST_CASE("one process has one server a place, while somebody holds it") {
  test_server();
  std::shared_ptr<PgServer> one, two;
  const std::string url = resolve_pg_url("local:", one);
  CHECK(resolve_pg_url("local:", two) == url);
  CHECK(one == two);
  std::shared_ptr<PgServer> none;
  CHECK(resolve_pg_url("postgresql://h/d", none) == "postgresql://h/d");
  CHECK(none == nullptr);
}

TEST_CASE("a wrong password is an auth error that does not show it") {
  test_server();
  const fs::path directory = durable_directory();
  std::string url;
  {
    const PgServer server(directory.string());
    PgSession(server.url(), "test").execute("create role clerk login password 'right'");
  }
  std::ofstream(directory / "data" / "pg_hba.conf", std::ios::trunc)
      << "local all clerk scram-sha-256\nlocal all all trust\n";
  const PgServer server(directory.string());
  url = server.url();
  url.replace(url.find("user=lugger"), 11, "user=clerk");
  CHECK(answer(url + "&password=right", "select current_user") == "clerk");
  for (const std::string secret : {"&password=geheim", ""}) {
    try {
      PgSession session(url + secret, "test");
      FAIL("let in");
    } catch (const Error& error) {
      CHECK(error.code() == Code::kAuth);
      CHECK_FALSE(error.hint().empty());
      CHECK_THAT(error.what(), !ContainsSubstring("geheim"));
    }
  }
}
