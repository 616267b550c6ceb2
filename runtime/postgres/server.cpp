#include "postgres/server.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/file_lock.hpp"
#include "base/gate.hpp"
#include "base/url.hpp"
#include "postgres/binaries.hpp"
#include "postgres/process.hpp"
#include "postgres/server_scripts.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

// sun_path holds 107 bytes; the server also makes "<socket>.lock" beside it.
constexpr size_t kSocketDirectoryBytes = 107 - std::string_view("/.s.PGSQL.5432.lock").size();
constexpr std::string_view kTemporaryPrefix = "lugger-pg-", kSocketPrefix = "lugger-socket-";

std::string url_of(const std::string& socket_directory, std::string_view user = "lugger") {
  return fmt::format("postgresql:///postgres?host={}&port=5432&user={}",
                     percent_encode(socket_directory), user);
}

std::string last_lines(const fs::path& file, size_t count) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  while (text.ends_with('\n')) text.pop_back();
  size_t at = text.size();
  while (count-- > 0 && at != std::string::npos && at != 0) at = text.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

fs::path temporary_root() {
  std::error_code none;
  const fs::path root = fs::temp_directory_path(none);
  return none ? fs::path("/tmp") : root;
}

fs::path make_private_directory(const fs::path& root, std::string_view prefix) {
  std::string pattern = (root / fmt::format("{}XXXXXX", prefix)).string();
  if (mkdtemp(pattern.data()) == nullptr)
    raise(Code::kConfig, "cannot make {}: {}", pattern, std::strerror(errno));
  return pattern;
}

/// The user that the server runs as: ourselves; or, when we are root, the owner of the directory,
/// postgres, or nobody.
std::optional<ProcessUser> server_user(const fs::path& directory) {
  if (geteuid() != 0) return std::nullopt;
  struct stat info {};
  if (stat(directory.c_str(), &info) == 0 && info.st_uid != 0) {
    if (auto owner = find_user(info.st_uid)) return owner;
    return ProcessUser{info.st_uid, info.st_gid, std::to_string(info.st_uid)};
  }
  for (const char* name : {"postgres", "nobody"}) {
    if (auto user = find_user(name)) return user;
  }
  throw Error(
      Code::kConfig,
      "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as",
      "run lugger as another user");
}

void give(const fs::path& path, const std::optional<ProcessUser>& user) {
  if (user && lchown(path.c_str(), user->uid, user->gid) != 0) {
    raise(Code::kConfig, "cannot give {} to user {}: {}", path.string(), user->name,
          std::strerror(errno));
  }
}

/// Replaces initdb's own fsync of a thousand files one by one, which takes many times as long.
void sync_file_system(const fs::path& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && syncfs(descriptor) == 0;
  const int failure = errno;
  if (descriptor >= 0) close(descriptor);
  if (!synced)
    raise(Code::kConfig, "cannot write {} to disk: {}", directory.string(), std::strerror(failure));
}

/// Root removes only what root's own servers left behind.
bool may_be_ours(const fs::path& directory) {
  struct stat info {};
  if (lstat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return false;
  if (info.st_uid == geteuid()) return true;
  if (geteuid() != 0) return false;
  const auto user = find_user("postgres");
  return (user && user->uid == info.st_uid) ||
         find_user("nobody").value_or(ProcessUser{}).uid == info.st_uid;
}

/// One directory: data/ (the cluster), log, lugger.lock (a shared lock for each user of the
/// server), lugger.start (held while starting and stopping).
class Cluster {
 public:
  Cluster(fs::path directory, bool temporary)
      : directory_(std::move(directory)), temporary_(temporary) {
    user_ = server_user(directory_);
  }

  /// Starts the server, or finds the running one; returns its URL.
  std::string join();
  /// Stops the server if nobody else uses it.
  void leave() noexcept;
  /// True when nobody uses this directory, because its process was killed.
  bool abandoned();
  void remove() noexcept {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

 private:
  fs::path data() const { return directory_ / "data"; }
  /// Exists when sandboxed scripts have used the cluster.
  fs::path scripts() const { return directory_ / "lugger.scripts"; }
  void prepare();
  void initialise();
  std::string settings(const std::string& socket_directory) const;
  std::string make_socket_directory();
  std::string start();
  std::optional<std::string> running();
  PgBinaries binaries();

  fs::path directory_;
  bool temporary_;
  std::optional<ProcessUser> user_;
  FileLock users_;
};

void Cluster::prepare() {
  std::error_code error;
  // pg_ctl passes its paths to a shell, in double quotes.
  if (directory_.string().find_first_of("\"$`\\\n") != std::string::npos) {
    raise(Code::kConfig, "a private server's directory must have none of \" $ ` \\ in its path: {}",
          directory_.string());
  }
  if (!fs::exists(directory_, error)) {
    fs::create_directories(directory_, error);
    if (error) raise(Code::kConfig, "cannot make {}: {}", directory_.string(), error.message());
    give(directory_, user_);
  } else if (!fs::exists(directory_ / "lugger.start", error) && !fs::is_empty(directory_, error)) {
    throw Error(
        Code::kConfig,
        fmt::format("{} is not empty, and not a private server of lugger", directory_.string()),
        "name a directory that is empty or does not exist yet: local:./pg");
  } else if (user_) {
    give(directory_, user_);
  }
  fs::permissions(directory_, fs::perms::owner_all, error);
  if (user_ && !user_can_use(directory_.string(), *user_)) {
    throw Error(
        Code::kConfig,
        fmt::format(
            "PostgreSQL refuses to run as root, and user {}, whom it would run as, cannot enter {}",
            user_->name, directory_.string()),
        "name a directory that user can reach, as local:/var/lib/lugger, or run lugger as another "
        "user");
  }
}

PgBinaries Cluster::binaries() {
  std::ifstream file(data() / "PG_VERSION");
  int major = 0;
  if (file >> major) return find_server_binaries(major);
  return find_server_binaries();
}

void Cluster::initialise() {
  const fs::path fresh = directory_ / "data.new";
  std::error_code ignored;
  fs::remove_all(fresh, ignored);
  const std::string program = (binaries().directory / "initdb").string();
  ProcessResult result;
  for (const char* locale : {"C.UTF-8", "C"}) {
    const std::vector<std::string> arguments = {
        program,    "-D",           fresh.string(),    "-U",
        "lugger",   "--auth=trust", "--encoding=UTF8", fmt::format("--locale={}", locale),
        "--no-sync"};
    result = run_process(arguments, user_);
    if (result.ok()) break;
    fs::remove_all(fresh, ignored);
  }
  if (!result.ok())
    raise(Code::kConfig, "initdb in {} failed: {}", directory_.string(), result.output);
  if (!temporary_) sync_file_system(directory_);
  // Renamed only when complete: a killed initdb leaves no partial cluster.
  if (rename(fresh.c_str(), data().c_str()) != 0) {
    raise(Code::kConfig, "cannot write to {}: {}", directory_.string(), std::strerror(errno));
  }
}

/// Passed as options, not in a file: root must not write where another user could have created a
/// symbolic link.
std::string Cluster::settings(const std::string& socket_directory) const {
  std::string out =
      "-c listen_addresses= -c port=5432 -c unix_socket_permissions=0700 -c shared_buffers=256MB "
      "-c max_wal_size=4GB -c checkpoint_timeout=15min -c timezone=UTC -c log_timezone=UTC "
      "-c logging_collector=off -c search_path=public";
  if (temporary_) out += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off";
  return fmt::format("{} -c 'unix_socket_directories={}'", out, socket_directory);
}

/// The directory of the socket, when the server of this directory answers.
std::optional<std::string> Cluster::running() {
  std::ifstream file(data() / "postmaster.pid");
  std::string line, socket_directory;
  for (int number = 1; number <= 5 && std::getline(file, line); ++number) {
    if (number == 5) socket_directory = line;
  }
  if (socket_directory.empty()) return std::nullopt;
  for (int tries = 0; tries < 600; ++tries) {
    const PGPing answer = PQping(url_of(socket_directory).c_str());
    if (answer == PQPING_OK) return socket_directory;
    if (answer != PQPING_REJECT) return std::nullopt;
    usleep(100'000);  // it is starting, perhaps after a crash
  }
  return std::nullopt;
}

/// The directory itself; or a short one, when the socket's path would be too long or could not be
/// written in a list.
std::string Cluster::make_socket_directory() {
  std::string place = directory_.string();
  if (place.size() <= kSocketDirectoryBytes && place.find_first_of(",'") == std::string::npos)
    return place;
  const fs::path made = make_private_directory("/tmp", kSocketPrefix);
  give(made, user_);
  return made.string();
}

void remove_socket_directory(const fs::path& directory) {
  std::error_code ignored;
  if (directory.filename().string().starts_with(kSocketPrefix)) fs::remove(directory, ignored);
}

std::string Cluster::start() {
  if (!fs::exists(data() / "PG_VERSION")) initialise();
  std::string socket_directory = make_socket_directory();
  const fs::path log = directory_ / "log";
  const ProcessResult result =
      run_process({(binaries().directory / "pg_ctl").string(), "start", "-s", "-w", "-t", "300",
                   "-D", data().string(), "-l", log.string(), "-o", settings(socket_directory)},
                  user_);
  if (result.ok()) return socket_directory;
  remove_socket_directory(socket_directory);
  throw Error(Code::kConnect,
              fmt::format("the private server in {} did not start: {}\n{}", directory_.string(),
                          result.output, last_lines(log, 10)),
              fmt::format("its log is {}", log.string()));
}

std::string Cluster::join() {
  prepare();
  FileLock starting(directory_ / "lugger.start");
  give(directory_ / "lugger.start", user_);
  starting.lock_exclusive();
  users_ = FileLock(directory_ / "lugger.lock");
  give(directory_ / "lugger.lock", user_);
  users_.lock_shared();
  const std::optional<std::string> found = running();
  const std::string socket_directory = found ? *found : start();
  std::error_code ignored;
  if (gate_is_shut() && !fs::exists(scripts(), ignored)) {
    give_to_scripts(url_of(socket_directory));
    const FileLock marker(scripts());
    give(scripts(), user_);
  }
  return url_of(socket_directory, fs::exists(scripts(), ignored) ? kScriptRole : "lugger");
}

void Cluster::leave() noexcept try {
  FileLock stopping(directory_ / "lugger.start");
  stopping.lock_exclusive();
  if (!users_.try_lock_exclusive()) return users_.unlock();
  const std::optional<std::string> socket_directory = running();
  run_process({(binaries().directory / "pg_ctl").string(), "stop", "-s", "-w", "-t", "300", "-m",
               temporary_ ? "immediate" : "fast", "-D", data().string()},
              user_);
  if (socket_directory) remove_socket_directory(*socket_directory);
  users_.unlock();
  if (temporary_) remove();
} catch (const std::exception&) {
  // At the end of the process nobody can be told. The next process uses the server or starts it
  // again.
}

bool Cluster::abandoned() {
  std::error_code none;
  if (!fs::exists(directory_ / "lugger.lock", none)) return false;
  FileLock starting(directory_ / "lugger.start");
  if (!starting.try_lock_exclusive()) return false;
  users_ = FileLock(directory_ / "lugger.lock");
  return users_.try_lock_exclusive();
}

/// Stops and removes temporary servers whose process was killed. Every process that starts a
/// temporary server calls it.
void sweep_temporary(const fs::path& root) {
  std::error_code none;
  const auto settled = fs::file_time_type::clock::now() - std::chrono::minutes(1);
  for (const auto& entry : fs::directory_iterator(root, none)) {
    if (!entry.path().filename().string().starts_with(kTemporaryPrefix)) continue;
    // Less than a minute old: perhaps just created and not locked yet.
    if (!may_be_ours(entry.path()) || entry.last_write_time(none) > settled) continue;
    try {
      Cluster cluster(entry.path(), true);
      if (cluster.abandoned()) cluster.leave();
    } catch (const std::exception&) {
      continue;  // it belongs to another user, or is being removed
    }
  }
}

}  // namespace

struct PgServer::Impl {
  explicit Impl(Cluster made) : cluster(std::move(made)) {}
  Cluster cluster;
  std::string url;
};

PgServer::PgServer(const std::string& directory) {
  const bool temporary = directory.empty();
  fs::path place;
  if (temporary) {
    sweep_temporary(temporary_root());
    place = make_private_directory(temporary_root(), kTemporaryPrefix);
  } else {
    place = fs::weakly_canonical(fs::absolute(directory));
  }
  impl_ = std::make_unique<Impl>(Cluster(place, temporary));
  try {
    impl_->url = impl_->cluster.join();
  } catch (...) {
    if (temporary) impl_->cluster.remove();
    throw;
  }
}

PgServer::~PgServer() { impl_->cluster.leave(); }

const std::string& PgServer::url() const noexcept { return impl_->url; }

std::string resolve_pg_url(const std::string& place, std::shared_ptr<PgServer>& keep) {
  if (url_scheme(place) != "local") return AllowedUrl(place).text();
  const std::string directory = place.substr(std::string_view("local:").size());
  if (!directory.empty()) const AllowedPath asked(directory);
  // Remembered so that source, target and all workers of a job use the same server for "local:".
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<PgServer>> servers;
  const std::string key =
      directory.empty() ? "" : fs::weakly_canonical(fs::absolute(directory)).string();
  const std::lock_guard<std::mutex> guard(mutex);
  std::weak_ptr<PgServer>& known = servers[key];
  keep = known.lock();
  if (keep == nullptr) {
    keep = std::make_shared<PgServer>(directory);
    known = keep;
    allow_place(keep->url());
  }
  return keep->url();
}

}  // namespace lugger
