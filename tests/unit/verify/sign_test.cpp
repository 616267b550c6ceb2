// Keys and signatures of verdicts.
#include "verify/sign.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "catch.hpp"

using namespace lugger;
namespace fs = std::filesystem;

namespace {

struct Room {
  Room() : path(fs::temp_directory_path() / ("lug-sign-" + std::to_string(getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Room() { fs::remove_all(path); }
  fs::path path;
};

}  // namespace

TEST_CASE("S0-63 a signature holds for the very bytes, the key and the comment") {
  const Room room;
  const std::string secret = room.path / "sub" / "k", open_key = room.path / "sub" / "k.pub";
  const std::string line = make_verdict_key(secret, open_key);
  CHECK(line.starts_with("RW"));
  struct stat found = {};
  REQUIRE(stat(secret.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  const std::string bytes = "{\"equal\":true}\n";
  const std::string signature = sign_verdict(bytes, secret, "written today");
  CHECK(check_verdict(bytes, signature, line).empty());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(check_verdict(changed, signature, line).empty());
  }
  std::string comment = signature;
  comment.replace(comment.find("today"), 5, "later");
  CHECK_FALSE(check_verdict(bytes, comment, line).empty());
  const std::string other = make_verdict_key(room.path / "o", room.path / "o.pub");
  CHECK(check_verdict(bytes, signature, other).find("another key") != std::string::npos);
  CHECK_FALSE(check_verdict(bytes, "nothing", line).empty());
}

TEST_CASE("S0-63 a key that others may read, and one that is there, are refused") {
  const Room room;
  const std::string secret = room.path / "k";
  make_verdict_key(secret, room.path / "k.pub");
  CHECK_THROWS_AS(make_verdict_key(secret, room.path / "k.pub"), Error);
  REQUIRE(chmod(secret.c_str(), 0640) == 0);
  CHECK_THROWS_AS(sign_verdict("x", secret, ""), Error);
}
