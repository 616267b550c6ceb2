#include "mongo/client.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>

#include "base/stop.hpp"
#include "base/threads.hpp"
#include "base/url.hpp"
#include "mongo/fault.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"

namespace lugger {
namespace {

constexpr int32_t kSelectionMs = 15'000;
constexpr int32_t kConnectMs = 4'000;  // a member that is silent holds up each new connection
constexpr int32_t kErrorApi = 2;       // errors have the server's own numbers

bson_t as_bson(const MongoDriver& driver, Bytes bytes) {
  bson_t out;
  if (!driver.bson_init_static(&out, bytes.data(), bytes.size()))
    raise(Code::kBug, "a command is no BSON");
  return out;
}

/// What the driver has filled in.
struct OwnedBson {
  explicit OwnedBson(const MongoDriver& functions) : driver(functions) {}
  ~OwnedBson() { driver.bson_destroy(&bson); }
  OwnedBson(const OwnedBson&) = delete;
  OwnedBson& operator=(const OwnedBson&) = delete;
  const MongoDriver& driver;
  bson_t bson = BSON_INITIALIZER;
};

/// A character of a password that is not percent-encoded ends it for the driver, whose messages would
/// show the rest.
void refuse_pieces_of_password(std::string_view url, const std::string& shown) {
  const std::string_view rest = url.substr(url.find("://") + 3);
  const std::string_view hosts = rest.substr(0, rest.find_first_of("/?"));
  const auto in_hosts = std::ranges::count(hosts, '@');
  if (in_hosts == 1 || (in_hosts == 0 && rest.find('@') == std::string_view::npos)) return;
  throw Error(
      Code::kConfig,
      fmt::format("{}: an '@' stands where none may: it belongs to the user or the password",
                  shown),
      "in both, write ':', '/', '?', '@' and '%' as %3A, %2F, %3F, %40, %25");
}

/// "": all of them are this machine.
std::string first_remote(const mongoc_host_list_t* host) {
  for (; host != nullptr; host = host->next) {
    const std::string_view name = host->host;
    const bool here = name == "localhost" || name == "::1" || name.starts_with("127.") ||
                      name.find('/') != std::string_view::npos;
    if (!here) return host->host_and_port;
  }
  return {};
}

}  // namespace

std::string text_of(const Value& value) {
  return value.type == ValueType::kString ? std::string(value.text()) : std::string();
}

bool is_mongo_place(const std::string& place) {
  return place.starts_with("mongodb://") || place.starts_with("mongodb+srv://");
}

Value MongoReply::operator[](std::string_view field) const noexcept {
  return bson_field(bytes_, field);
}

int64_t MongoReply::number(std::string_view field, int64_t fallback) const noexcept {
  const Value value = (*this)[field];
  if (value.type == ValueType::kInt32 || value.type == ValueType::kInt64) return value.i64;
  return value.type == ValueType::kDouble ? static_cast<int64_t>(value.f64) : fallback;
}

/// What a call and its thread share. The thread owns what the driver gave, so that a call can be
/// left behind: it ends when the driver comes back, and tidies up then.
struct MongoClient::Inner : Wakeable {
  const MongoDriver& driver = mongo_driver();
  std::string shown, database, plain_host;
  mongoc_uri_t* uri = nullptr;
  mongoc_read_prefs_t* prefers = nullptr;
  mongoc_client_t* client = nullptr;
  mongoc_client_session_t* session = nullptr;
  bool sessionless = false;

  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> call;  // what the thread is to do; empty: nothing
  std::exception_ptr failed;
  bool left = false;  // nobody waits any more: the thread ends
  bool over = false;  // the connection is closed

  Inner() = default;
  /// Delegates, so that what it throws leaves nothing of the driver behind.
  Inner(const AllowedUrl& place, const std::string& purpose) : Inner() {
    shown = mask_secrets(place.text());
    refuse_pieces_of_password(place.text(), shown);
    bson_error_t error{};
    uri = driver.mongoc_uri_new_with_error(place.text().c_str(), &error);
    if (uri == nullptr) {
      throw Error(Code::kConfig, mask_text(fmt::format("{}: {}", shown, error.message)),
                  "a URL is mongodb://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?replicaSet=NAME, "
                  "with ':', '/', '?', '@' and '%' in user and password written as %3A, %2F, %3F, "
                  "%40, %25");
    }
    if (const char* named = driver.mongoc_uri_get_database(uri)) database = named;
    if (!driver.mongoc_uri_get_tls(uri))
      plain_host = first_remote(driver.mongoc_uri_get_hosts(uri));
    for (const char* option : {MONGOC_URI_TLSCAFILE, MONGOC_URI_TLSCERTIFICATEKEYFILE})
      check_file(option);
    prepare(purpose);
    client = driver.mongoc_client_new_from_uri_with_error(uri, &error);
    if (client == nullptr) {
      const bool unknown = std::string_view(error.message).find("SRV") != std::string_view::npos;
      throw Error(Code::kConfig, mask_text(fmt::format("{}: {}", shown, error.message)),
                  unknown ? "the name in a mongodb+srv URL is no host, it has an SRV record: check "
                            "its spelling and the resolver of this machine, or write the hosts, "
                            "mongodb://HOST,HOST"
                          : "");
    }
    driver.mongoc_client_set_error_api(client, kErrorApi);
  }
  ~Inner() override { release(); }
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;

  /// Of a file that it cannot read the driver says nothing but that no server was found.
  void check_file(const char* option) const {
    const char* path = driver.mongoc_uri_get_option_as_utf8(uri, option, nullptr);
    if (path == nullptr || access(path, R_OK) == 0) return;
    const char* why = std::strerror(errno);
    raise(Code::kConfig, "{}: {}={} cannot be read: {}", shown, option, path, why);
  }
  void set_unless_said(const char* option, int32_t value) {
    if (!driver.mongoc_uri_has_option(uri, option))
      driver.mongoc_uri_set_option_as_int32(uri, option, value);
  }
  void prepare(const std::string& purpose) {
    driver.mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_APPNAME, purpose.c_str());
    driver.mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYREADS, false);
    driver.mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false);
    set_unless_said(MONGOC_URI_SERVERSELECTIONTIMEOUTMS, kSelectionMs);
    set_unless_said(MONGOC_URI_CONNECTTIMEOUTMS, kConnectMs);
    const mongoc_read_prefs_t* named = driver.mongoc_uri_get_read_prefs_t(uri);
    const bool has =
        named != nullptr && driver.mongoc_uri_has_option(uri, MONGOC_URI_READPREFERENCE);
    if (has) return;
    prefers = driver.mongoc_read_prefs_new(MONGOC_READ_SECONDARY_PREFERRED);
    driver.mongoc_uri_set_read_prefs_t(uri, prefers);
  }
  void release() noexcept {
    if (session != nullptr) driver.mongoc_client_session_destroy(session);
    if (client != nullptr) driver.mongoc_client_destroy(client);
    if (prefers != nullptr) driver.mongoc_read_prefs_destroy(prefers);
    if (uri != nullptr) driver.mongoc_uri_destroy(uri);
    session = nullptr, client = nullptr, prefers = nullptr, uri = nullptr;
  }
  const mongoc_read_prefs_t* preference() const { return driver.mongoc_uri_get_read_prefs_t(uri); }

  // In the thread.
  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return left || call; });
      if (left) break;
      const std::function<void()> work = std::move(call);
      lock.unlock();
      std::exception_ptr fault;
      try {
        work();
      } catch (...) {
        fault = std::current_exception();
      }
      lock.lock();
      call = nullptr;
      failed = fault;
      answered = true;
      changed.notify_all();
    }
    lock.unlock();
    release();
    lock.lock();
    over = true;
    changed.notify_all();
  }
  MongoServer select(bool primary) {
    bson_error_t error{};
    mongoc_server_description_t* found = driver.mongoc_client_select_server(
        client, primary, primary ? nullptr : preference(), &error);
    if (found == nullptr) throw fault_of(error, {}, shown);
    MongoServer out{driver.mongoc_server_description_id(found),
                    driver.mongoc_server_description_host(found)->host_and_port, primary};
    driver.mongoc_server_description_destroy(found);
    return out;
  }
  std::vector<MongoServer> known_members(bool) {
    size_t count = 0;
    mongoc_server_description_t** all =
        driver.mongoc_client_get_server_descriptions(client, &count);
    std::vector<MongoServer> out;
    for (size_t i = 0; i < count; ++i) {
      const std::string_view type = driver.mongoc_server_description_type(all[i]);
      if (type != "RSPrimary" && type != "RSSecondary") continue;
      out.push_back({driver.mongoc_server_description_id(all[i]),
                     driver.mongoc_server_description_host(all[i])->host_and_port});
    }
    driver.mongoc_server_descriptions_destroy_all(all, count);
    return out;
  }
  /// Look-alikes know no sessions: there each command stands by itself.
  void start_session() {
    if (session != nullptr || sessionless) return;
    bson_error_t error{};
    session = driver.mongoc_client_start_session(client, nullptr, &error);
    sessionless = session == nullptr && error.domain == MONGOC_ERROR_CLIENT &&
                  error.code == MONGOC_ERROR_CLIENT_SESSION_FAILURE;
    if (session == nullptr && !sessionless) throw fault_of(error, {}, shown);
  }
  MongoReply run(const std::string& target, Bytes command,
                 const std::optional<MongoServer>& server) {
    bson_error_t error{};
    start_session();
    const bson_t question = as_bson(driver, command);
    bson_t options = BSON_INITIALIZER;
    if (session != nullptr) driver.mongoc_client_session_append(session, &options, &error);
    if (server) {
      driver.bson_append_int64(&options, "serverId", -1, server->id);
    }
    auto reply = std::make_shared<OwnedBson>(driver);
    const mongoc_read_prefs_t* prefer = server && server->primary ? nullptr : preference();
    const bool done = driver.mongoc_client_command_with_opts(
        client, target.c_str(), &question, prefer, &options, &reply->bson, &error);
    driver.bson_destroy(&options);
    const Bytes bytes(driver.bson_get_data(&reply->bson), reply->bson.len);
    if (!done) throw fault_of(error, bytes, shown);
    return MongoReply(std::move(reply), bytes);
  }

  // In the thread that asks.
  bool answered = false, gone = false;
  void ask() noexcept override {
    const std::lock_guard lock(mutex);
    gone = true;
    changed.notify_all();
  }
  void cut() noexcept override { ask(); }
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex);
    if (gone) raise(Code::kInterrupted, "stopped: the connection to {} was given up", shown);
    answered = false;
    call = std::move(work);
    changed.notify_all();
  }
  void await() {
    const Wait wait(*this);
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return answered || gone; });
    if (!answered)
      throw Error(Code::kInterrupted, fmt::format("stopped while it waited for {}", shown));
    if (failed) std::rethrow_exception(std::exchange(failed, nullptr));
  }
  /// The answer is shared with the thread, which may come to it after the one that asked has left.
  template <typename Answer>
  Answer ask_for(Answer (Inner::*question)(bool), bool argument) {
    const auto answer = std::make_shared<std::optional<Answer>>();
    post([this, answer, question, argument] { *answer = (this->*question)(argument); });
    await();
    return std::move(**answer);
  }
};

MongoClient::MongoClient(const AllowedUrl& place, const std::string& purpose)
    : inner_(std::make_shared<Inner>(place, purpose)) {
  start_thread([inner = inner_] { inner->serve(); }).detach();
}

/// Waits a moment for the goodbye: whoever ends the process next must not meet the driver at work.
MongoClient::~MongoClient() {
  constexpr std::chrono::seconds kGoodbye{2};
  std::unique_lock lock(inner_->mutex);
  inner_->left = true;
  inner_->changed.notify_all();
  if (!inner_->gone) inner_->changed.wait_for(lock, kGoodbye, [&] { return inner_->over; });
}

MongoServer MongoClient::pick() { return inner_->ask_for(&Inner::select, false); }

std::vector<MongoServer> MongoClient::members() {
  return inner_->ask_for(&Inner::known_members, true);
}

bool MongoClient::may_read_primary() const {
  return inner_->driver.mongoc_read_prefs_get_mode(inner_->preference()) != MONGOC_READ_SECONDARY;
}

MongoServer MongoClient::primary() { return inner_->ask_for(&Inner::select, true); }

void MongoClient::send(const std::string& database, Bytes command,
                       const std::optional<MongoServer>& server) {
  sent_ = std::make_shared<std::optional<MongoReply>>();
  const auto bytes = std::make_shared<const std::vector<uint8_t>>(command.begin(), command.end());
  inner_->post([inner = inner_.get(), answer = sent_, database, bytes, server] {
    *answer = inner->run(database, *bytes, server);
  });
}

MongoReply MongoClient::receive() {
  const auto sent = std::move(sent_);
  inner_->await();
  return std::move(**sent);
}

bool MongoClient::given_up() const noexcept {
  const std::lock_guard lock(inner_->mutex);
  return inner_->gone;
}

const std::string& MongoClient::plain_host() const noexcept { return inner_->plain_host; }

const std::string& MongoClient::database() const noexcept { return inner_->database; }

}  // namespace lugger
