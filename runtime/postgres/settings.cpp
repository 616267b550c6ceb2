#include "postgres/settings.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "base/stop.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace lugger {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const std::string* find(const PgKeywords& keywords, std::string_view name) {
  for (const auto& [key, value] : keywords) {
    if (key == name) return &value;
  }
  return nullptr;
}

void add_missing(PgKeywords& keywords, std::string name, std::string value) {
  if (find(keywords, name) == nullptr) keywords.emplace_back(std::move(name), std::move(value));
}

bool is_url(std::string_view place) {
  return place.starts_with("postgresql://") || place.starts_with("postgres://");
}

[[noreturn]] void refuse(const std::string& url) {
  // libpq's own message quotes parts of the URL; with a stray '@', '/' or ':' these may be parts of
  // the password.
  if (!is_url(url)) {
    throw Error(Code::kConfig,
                fmt::format("cannot read the connection string {}", mask_secrets(url)),
                "the form is keyword=value, with spaces between them and values with spaces in "
                "single quotes: host=db port=5432 dbname='my shop'");
  }
  throw Error(Code::kConfig, fmt::format("cannot read the connection URL {}", mask_secrets(url)),
              "the form is postgresql://user:***@host:port/database; special characters in the "
              "password are percent-encoded: @ as %40, / as %2F, : as %3A");
}

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

std::string hint_on_parameter(std::string_view name) {
  if (name.find("bouncer") != std::string::npos || name.find("pool") != std::string::npos)
    return "take it out; where a pooler in transaction mode is meant, set pooled = true in the "
           "options of the source or target";
  const Options known(PQconndefaults(), &PQconninfoFree);
  std::vector<std::string_view> keywords;
  for (const PQconninfoOption* option = known.get();
       option != nullptr && option->keyword != nullptr; ++option)
    keywords.emplace_back(option->keyword);
  const std::string_view near = nearest(name, keywords);
  if (!near.empty()) return fmt::format("did you mean {}?", near);
  return "take it out: it belongs to another program";
}

[[noreturn]] void refuse_parameter(const std::string& place, std::string_view name) {
  throw Error(Code::kConfig,
              fmt::format("{}: libpq has no connection parameter {}", mask_secrets(place),
                          quoted_excerpt(name)),
              hint_on_parameter(name));
}

/// Names unknown parameters in the error. Where an '@' follows the '?', they may be parts of a
/// password.
void refuse_unknown_in_url(const std::string& url) {
  const size_t question = url.find('?');
  if (question == std::string::npos || url.find('@', question) != std::string::npos) return;
  std::string_view rest = std::string_view(url).substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::string name = percent_decode(pair.substr(0, pair.find('=')));
    if (name != "ssl" && !is_connection_keyword(name)) refuse_parameter(url, name);
  }
}

/// The same for a connection string, where masked text may be part of a password.
void refuse_unknown_in_string(const std::string& text) {
  const std::string shown = mask_secrets(text);
  std::string_view rest = text, unknown;
  while (!rest.empty()) {
    const ConninfoPair pair = next_pair(rest);
    if (pair.stray.find_first_not_of(" \t\r\n") != std::string_view::npos) return;
    if (pair.size == 0) break;
    if (unknown.empty() && !is_connection_keyword(pair.key) &&
        shown.find(pair.text) != std::string::npos)
      unknown = pair.key;
    rest.remove_prefix(pair.size);
  }
  if (!unknown.empty()) refuse_parameter(text, unknown);
}

/// With an unescaped '@' or '/', part of a password ends up in the host, the port or the database,
/// and a failed connection would show it in libpq's message.
void refuse_pieces_of_password(const std::string& url, const PgKeywords& keywords) {
  const std::string* host = find(keywords, "host");
  const std::string* port = find(keywords, "port");
  const std::string* database = find(keywords, "dbname");
  // "//name:12/rest@..." can be a host, its port and a database, or a user and a password; behind
  // "//user:a@b/c@..." the password may end at either '@'.
  const bool secret = find(keywords, "password") != nullptr ||
                      (find(keywords, "user") == nullptr && port != nullptr);
  const std::string path = url.substr(0, url.find('?'));
  const bool ambiguous = secret && is_url(url) && database != nullptr &&
                         database->find('@') != std::string::npos &&
                         path.find('@', path.find('/', path.find("//") + 2)) != std::string::npos;
  if ((host != nullptr && host->find('@') != std::string::npos && host->front() != '@' &&
       host->front() != '/') ||
      (port != nullptr && port->find_first_not_of("0123456789,") != std::string::npos) || ambiguous)
    refuse(url);
}

PgKeywords parse(const std::string& url) {
  char* message = nullptr;
  const Options parsed(PQconninfoParse(url.c_str(), &message), &PQconninfoFree);
  PQfreemem(message);
  if (parsed == nullptr) {
    is_url(url) ? refuse_unknown_in_url(url) : refuse_unknown_in_string(url);
    refuse(url);
  }
  PgKeywords keywords;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    keywords.emplace_back(option->keyword, option->val);
  }
  if (is_url(url)) refuse_pieces_of_password(url, keywords);
  return keywords;
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

/// The keywords as libpq completes them from a service file, the environment and its defaults. A
/// value that libpq does not know prevents the connection.
PgKeywords in_effect(const PgKeywords& keywords) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.insert(names.end(), {"target_session_attrs", nullptr});
  values.insert(values.end(), {"none: only asked", nullptr});
  const Connection asked(PQconnectStartParams(names.data(), values.data(), 0), &PQfinish);
  const Options options(PQconninfo(asked.get()), &PQconninfoFree);
  PgKeywords out;
  for (const PQconninfoOption* option = options.get();
       option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0')
      out.emplace_back(option->keyword, option->val);
  }
  return out;
}

std::vector<std::string> listed(const std::string* list) {
  std::vector<std::string> out;
  if (list == nullptr) return out;
  out.emplace_back();
  for (const char c : *list) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

/// In a list, an address takes precedence over the host at the same index.
bool all_local(const PgKeywords& keywords) {
  const std::vector<std::string> hosts = listed(find(keywords, "host")),
                                 addresses = listed(find(keywords, "hostaddr"));
  for (size_t i = 0; i < std::max(hosts.size(), addresses.size()); ++i) {
    const bool has_address = i < addresses.size() && !addresses[i].empty();
    if (!is_local_host(has_address ? addresses[i] : i < hosts.size() ? hosts[i] : "")) return false;
  }
  return true;
}

void require_trusted_server(PgKeywords& keywords) {
  if (find(keywords, "sslmode") != nullptr || !environment("PGSSLMODE").empty()) return;
  const PgKeywords effective = in_effect(keywords);
  // Set in a service file. "prefer" is libpq's default.
  const std::string* mode = find(effective, "sslmode");
  if ((mode != nullptr && *mode != "prefer") || all_local(effective)) return;
  keywords.emplace_back("sslmode", "verify-full");
  if (find(effective, "sslrootcert") != nullptr) return;
  // Certificates at libpq's default location were put there by the user for this purpose.
  std::error_code ignored;
  if (std::filesystem::exists(environment("HOME") + "/.postgresql/root.crt", ignored)) return;
  keywords.emplace_back("sslrootcert",
                        PQlibVersion() >= 160000 ? "system" : "/etc/ssl/certs/ca-certificates.crt");
}

}  // namespace

ProgramPlace place_for_programs(const std::string& url) {
  ProgramPlace out;
  for (const auto& [key, value] : parse(url)) {
    if (key == "password") {
      out.password = value;
      continue;
    }
    std::string pair = key + "='";
    for (const char c : value) {
      if (c == '\\' || c == '\'') pair += '\\';
      pair += c;
    }
    pair += '\'';
    if (mask_secrets(pair) != pair)
      throw Error(
          Code::kConfig,
          fmt::format("{}: {} holds a secret that other programs take in an argument only, "
                      "where everybody sees it",
                      mask_secrets(url), key),
          "keep it in a service of ~/.pg_service.conf and give service=NAME; or take it out");
    out.conninfo += (out.conninfo.empty() ? "" : " ") + pair;
  }
  return out;
}

bool is_connection_keyword(std::string_view word) noexcept {
  const Options known(PQconndefaults(), &PQconninfoFree);
  if (known == nullptr) return false;
  for (const PQconninfoOption* option = known.get(); option->keyword != nullptr; ++option) {
    if (word == option->keyword) return true;
  }
  return false;
}

bool is_local_host(const std::string& host) noexcept {
  if (host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost")
    return true;
  in_addr four{};
  in6_addr six{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24U == 127;
  return inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

PgKeywords connection_keywords(const std::string& url, std::string_view purpose) {
  PgKeywords keywords = parse(url);
  require_trusted_server(keywords);
  if (StopScope::current().stop->level() == StopLevel::kNow) {
    // After a stop we connect only to tidy up, and nobody should wait long for that.
    std::erase_if(keywords, [](const auto& one) { return one.first == "connect_timeout"; });
    keywords.emplace_back("connect_timeout", "3");
  }
  if (environment("PGCONNECT_TIMEOUT").empty()) add_missing(keywords, "connect_timeout", "15");
  add_missing(keywords, "keepalives", "1");
  add_missing(keywords, "keepalives_idle", "30");
  add_missing(keywords, "keepalives_interval", "10");
  add_missing(keywords, "keepalives_count", "3");
  add_missing(keywords, "tcp_user_timeout", "60000");
  add_missing(keywords, "fallback_application_name", fmt::format("lugger {}", purpose));
  std::erase_if(keywords, [](const auto& keyword) { return keyword.first == "client_encoding"; });
  keywords.emplace_back("client_encoding", "UTF8");
  return keywords;
}

std::string session_settings(int server_version, bool local, const std::string& search_path) {
  struct Setting {
    int since;
    std::string_view assignment;
  };
  static constexpr Setting kSettings[] = {
      {0, "TimeZone = 'UTC'"},
      {0, "DateStyle = 'ISO, MDY'"},
      {0, "IntervalStyle = 'postgres'"},
      {0, "bytea_output = 'hex'"},
      {0, "standard_conforming_strings = on"},
      {0, "extra_float_digits = 1"},
      {0, "statement_timeout = 0"},
      {0, "client_min_messages = 'warning'"},
      {90600, "idle_in_transaction_session_timeout = 0"},
      {140000, "idle_session_timeout = 0"},
      {170000, "transaction_timeout = 0"},
  };
  // The server ends the session within a minute when the client's host does not answer any more.
  static constexpr std::string_view kWatchPeer =
      "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5; "
      "SET tcp_keepalives_count = 4;";
  const std::string_view set = local ? "SET LOCAL" : "SET";
  std::string out;
  for (const Setting& setting : kSettings) {
    if (server_version >= setting.since) out += fmt::format("{} {};", set, setting.assignment);
  }
  if (!local) out += kWatchPeer;
  if (!search_path.empty()) out += fmt::format("{} search_path = {};", set, search_path);
  return out;
}

}  // namespace lugger
