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

/// key=value pairs of libpq; values may be in single quotes with backslash escapes.
std::string mask_conninfo(std::string_view text) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) return out + std::string(text.substr(at));
    const std::string_view key = text.substr(at, equals - at);
    size_t end = equals + 1;
    while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end]))) ++end;
    if (end < text.size() && text[end] == '\'') {
      for (++end; end < text.size() && text[end] != '\''; ++end) {
        if (text[end] == '\\') ++end;
      }
      end = std::min(end + 1, text.size());
    } else {
      while (end < text.size() && !std::isspace(static_cast<unsigned char>(text[end]))) ++end;
    }
    out += key;
    out += holds_secret(key) ? "=***" : std::string(text.substr(equals, end - equals));
    at = end;
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
