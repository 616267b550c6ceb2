#include "base/url.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace lugger {

namespace {

bool holds_secret(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  static constexpr std::string_view kWords[] = {"password", "passwd",  "secret",  "token",
                                                "apikey",   "api_key", "api-key", "passphrase"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string mask_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    const bool secret = equals != std::string_view::npos && holds_secret(pair.substr(0, equals));
    out += secret ? std::string(pair.substr(0, equals + 1)) + "***" : std::string(pair);
    if (!query.empty()) out += '&';
  }
  return out;
}

std::string mask_url(std::string_view url, size_t authority) {
  // The last @ ends the user part: an unescaped @, ? or # in a password must not leak its tail.
  const size_t at = url.rfind('@');
  std::string out(url.substr(0, authority));
  size_t rest = authority;
  if (at != std::string_view::npos && at >= authority) {
    const std::string_view user = url.substr(authority, at - authority);
    out += user.substr(0, user.find(':'));
    if (user.find(':') != std::string_view::npos) out += ":***";
    rest = at;
  }
  const size_t query = url.find('?', rest);
  if (query == std::string_view::npos) return out + std::string(url.substr(rest));
  return out + std::string(url.substr(rest, query + 1 - rest)) + mask_query(url.substr(query + 1));
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// Behind a password that nobody quoted, a word and what follows it may be more of the password;
/// not so the words that connection strings are made of.
bool ends_secret(std::string_view key) {
  static constexpr std::string_view kWords[] = {
      "host",    "hostaddr",       "port",       "dbname",    "user",
      "options", "application_",   "connect_",   "service",   "client_encoding",
      "ssl",     "target_session", "keepalives", "pgbouncer", "pool"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return key.starts_with(word); });
}

}  // namespace

ConninfoPair next_pair(std::string_view text) {
  ConninfoPair out;
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    out.stray = text;
    return out;
  }
  std::string_view before = text.substr(0, equals);
  while (!before.empty() && is_space(before.back())) before.remove_suffix(1);
  size_t word = before.size();
  while (word > 0 && !is_space(before[word - 1])) --word;
  out.stray = before.substr(0, word);
  out.key = before.substr(word);
  size_t end = equals + 1;
  while (end < text.size() && is_space(text[end])) ++end;
  out.quoted = end < text.size() && text[end] == '\'';
  if (out.quoted) {
    for (++end; end < text.size() && text[end] != '\''; ++end) {
      if (text[end] == '\\') ++end;
    }
    ++end;
  } else {
    for (; end < text.size() && !is_space(text[end]); ++end) {
      if (text[end] == '\\') ++end;
    }
  }
  out.size = std::min(end, text.size());
  out.text = text.substr(word, out.size - word);
  return out;
}

namespace {

std::string mask_conninfo(std::string_view text) {
  std::string out;
  bool open = false;  // a secret may go on
  while (!text.empty()) {
    const ConninfoPair pair = next_pair(text);
    if (pair.size == 0) return open ? out : out + std::string(pair.stray);
    const bool secret = holds_secret(pair.key);
    if (!open || secret || ends_secret(pair.key)) {
      out += open ? std::string_view(" ") : pair.stray;
      out += secret ? std::string(pair.key) + "=***" : std::string(pair.text);
      open = secret && !pair.quoted;
    }
    text.remove_prefix(pair.size);
  }
  return out;
}

}  // namespace

std::string_view url_scheme(std::string_view url) noexcept {
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon < 2) return {};
  const std::string_view scheme = url.substr(0, colon);
  const bool valid = std::isalpha(static_cast<unsigned char>(scheme[0])) != 0 &&
                     std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
                       return std::isalnum(c) || c == '+' || c == '-' || c == '.';
                     });
  if (!valid) return {};
  return scheme == "local" || url.substr(colon).starts_with("://") ? scheme : std::string_view{};
}

std::string mask_secrets(std::string_view url) {
  const std::string_view scheme = url_scheme(url);
  if (!scheme.empty() && url.substr(scheme.size()).starts_with("://"))
    return mask_url(url, scheme.size() + 3);
  if (scheme.empty() && url.find('=') != std::string_view::npos) return mask_conninfo(url);
  return std::string(url);
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto byte = from_hex(text.substr(i + 1, 2)); byte && byte->size() == 1) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  return out;
}

}  // namespace lugger
