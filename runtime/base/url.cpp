#include "base/url.hpp"

#include <algorithm>
#include <cctype>

#include "base/ascii.hpp"
#include "base/conninfo.hpp"
#include "base/text.hpp"

namespace lugger {

namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Out of the text of a URL, too, where libpq decodes the names.
bool holds_secret(std::string_view key) { return names_secret(percent_decode(key)); }

}  // namespace

bool names_secret(std::string_view key) {
  const std::string lower = lower_case(key);
  static constexpr std::string_view kWords[] = {
      "password", "passwd",     "secret",           "token",           "apikey", "api_key",
      "api-key",  "passphrase", "scram_client_key", "scram_server_key"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

namespace {

/// What stands behind host and database, from the first '?' or '&'.
std::string mask_parameters(std::string_view rest) {
  const size_t query = rest.find_first_of("?&");
  if (query == std::string_view::npos) return std::string(rest);
  std::string out(rest.substr(0, query + 1));
  rest.remove_prefix(query + 1);
  bool secret = false;
  for (bool first = true; !rest.empty(); first = false) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    if (secret && equals == std::string_view::npos) continue;  // an '&' in the secret
    if (!first) out += '&';
    secret = equals != std::string_view::npos && holds_secret(pair.substr(0, equals));
    out += secret ? std::string(pair.substr(0, equals + 1)) + "***" : std::string(pair);
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
  return out + mask_parameters(url.substr(rest));
}

/// The start of a URL's authority; npos when the text is not a URL. "jdbc:" may precede the scheme.
size_t authority_of(std::string_view place) {
  const size_t mark = place.find("://");
  if (mark == std::string_view::npos) return mark;
  const size_t first = place.find(':');
  const bool wrapped = place.starts_with("jdbc:") || place.starts_with("r2dbc:");
  return first == mark || (wrapped && place.find(':', first + 1) == mark) ? mark + 3
                                                                          : std::string_view::npos;
}

bool all_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The text before the ':' in "mailto:ann@example.com", "10:30@noon" or "C:\ann@work" is not a
/// user.
bool may_be_user(std::string_view word, char next) {
  if (word.empty() || word.find_first_of(" \t\r\n\"'`") != std::string_view::npos) return false;
  if (word.size() == 1 && (next == '\\' || next == '/')) return false;
  const std::string lower = lower_case(word);
  if (word.find('/') != std::string_view::npos)
    return lower.starts_with("//") || lower.starts_with("postgres") || lower.starts_with("mongo");
  static constexpr std::string_view kOthers[] = {"local", "to",  "from", "cc",
                                                 "bcc",   "sip", "xmpp", "acct"};
  if (std::find(std::begin(kOthers), std::end(kOthers), lower) != std::end(kOthers)) return false;
  const size_t hour = lower.rfind('t') + 1;  // 2026-01-01T10:30@noon
  const bool is_time = hour > 1 && all_digits(word.substr(hour)) && all_digits(word.substr(0, 4));
  return !lower.ends_with("mail") && !lower.ends_with("mailto") && !all_digits(word) && !is_time;
}

/// The secret in "user:secret@host" without a scheme, or with a misspelled one; size 0: none.
std::string_view bare_secret(std::string_view place, size_t begin) {
  const size_t colon = place.find(':', begin), at = place.rfind('@');
  if (colon == std::string_view::npos || at == std::string_view::npos || at < colon + 2) return {};
  const std::string_view secret = place.substr(colon + 1, at - colon - 1);
  if (!may_be_user(place.substr(begin, colon - begin), secret.front())) return {};
  if (secret.find_first_of(kBlanks) != std::string_view::npos) return {};
  const bool quotes = secret.find_first_of("'\"") != std::string_view::npos;
  const bool code = quotes && secret.find_first_of("({=") != std::string_view::npos;
  return code || secret.front() == '\'' || secret.front() == '"' ? std::string_view() : secret;
}

std::string mask_bare(std::string_view place, size_t begin) {
  const std::string_view secret = bare_secret(place, begin);
  if (secret.empty()) return std::string(place);
  const auto start = static_cast<size_t>(secret.data() - place.data());
  return std::string(place.substr(0, start)) + "***" +
         mask_parameters(place.substr(start + secret.size()));
}

/// False when a word after an unquoted password may be more of the password; true for the words of
/// connection strings.
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

/// A URL or a connection string where one value belongs: dbname='x password=y'.
bool value_holds_secret(const ConninfoPair& pair) {
  std::string_view value = pair.text.substr(pair.text.find('=') + 1);
  value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
  if (pair.quoted) value.remove_prefix(1);
  return mask_secrets(value) != value;
}

std::string mask_conninfo(std::string_view text) {
  std::string out;
  bool open = false;  // the secret may continue
  while (!text.empty()) {
    const ConninfoPair pair = next_pair(text);
    if (pair.size == 0) return open ? out : out + std::string(pair.stray);
    const bool secret = holds_secret(pair.key);
    if (!open || secret || ends_secret(pair.key)) {
      out += open ? std::string_view(" ") : pair.stray;
      const bool hidden = secret || value_holds_secret(pair);
      out += hidden ? std::string(pair.key) + "=***" : std::string(pair.text);
      // A quote inside a word is not the end of the value: the text may be from a script, escaped
      // twice.
      const bool amid = pair.size < text.size() && !is_space(text[pair.size]);
      open = secret && (!pair.quoted || amid);
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
  const size_t blank = std::min(url.find_first_not_of(kBlanks), url.size());
  const std::string_view place = url.substr(blank);
  std::string shown(url.substr(0, blank));
  if (const auto by_fields = shown_by_fields(std::string(place))) return shown + *by_fields;
  const size_t authority = authority_of(place);
  if (authority != std::string_view::npos) return shown + mask_url(place, authority);
  if (url_scheme(place) == "local") return std::string(url);
  if (!bare_secret(place, 0).empty()) return shown + mask_bare(place, 0);
  if (place.find('=') != std::string_view::npos) return shown + mask_conninfo(place);
  return std::string(url);
}

namespace {

std::string mask_word(std::string_view word) {
  const size_t mark = word.find("://");
  if (mark != std::string_view::npos) return mask_url(word, mark + 3);
  const size_t colon = std::min(word.find(':'), word.size());
  const size_t opening = word.substr(0, colon).find_last_of("=([{<,;|");
  return mask_bare(word, opening == std::string_view::npos ? 0 : opening + 1);
}

bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

/// The end of what a quote opens, behind the closing one; the end of the line without one.
size_t quoted_end(std::string_view text, size_t opening) {
  for (size_t i = opening + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[opening]) {
      return i + 1;
    }
  }
  return std::min(text.find('\n', opening), text.size());
}

/// Masks places: quoted text as a whole, the rest word by word.
std::string mask_places(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (is_quote(text[i])) {
      const size_t end = quoted_end(text, i);
      const bool closed = end > i + 1 && text[end - 1] == text[i];
      const std::string_view inner = text.substr(i + 1, closed ? end - i - 2 : 0);
      std::string shown = mask_secrets(inner);
      out += text[i++];
      if (shown == inner) continue;
      out += shown;
      i += inner.size();
    } else if (is_space(text[i])) {
      out += text[i++];
    } else {
      size_t end = i;
      while (end < text.size() && !is_space(text[end]) && text[end] != '"') ++end;
      out += mask_word(text.substr(i, end - i));
      i = end;
    }
  }
  return out;
}

bool is_key_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '%';
}

/// The end of a value: quoted as SQL and connection strings do, or one word.
size_t value_end(std::string_view text, size_t begin) {
  if (begin >= text.size()) return begin;
  if (is_quote(text[begin])) return quoted_end(text, begin);
  size_t end = begin;
  for (; end < text.size() && !is_space(text[end]) && text[end] != '&' && text[end] != '"'; ++end) {
    if (text[end] == '\\') ++end;
  }
  return std::min(end, text.size());
}

/// Where the string constant behind SQL's PASSWORD begins; npos when there is none.
size_t constant_at(std::string_view text, size_t begin) {
  const size_t next = text.find_first_not_of(kBlanks, begin);
  if (next == std::string_view::npos) return next;
  const std::string_view rest = text.substr(next);
  if (rest[0] == '\'' || rest[0] == '$') return rest.starts_with("$1") ? rest.npos : next;
  const size_t quote = rest.find('\'');
  const std::string prefix = lower_case(rest.substr(0, std::min(quote, size_t{3})));
  return quote <= 2 && (prefix == "e" || prefix == "u&") ? next + quote : rest.npos;
}

/// The range {begin, end} of a secret after this key; {npos, npos}: none.
std::pair<size_t, size_t> secret_behind(std::string_view text, std::string_view key, size_t end) {
  const std::pair nothing(text.npos, text.npos);
  const size_t next = text.find_first_not_of(" \t", end);
  if (next == text.npos || !holds_secret(key)) return nothing;
  if (text[next] == '=' && !text.substr(next).starts_with("==")) {
    const size_t begin = text.find_first_not_of(" \t", next + 1);
    return begin == text.npos || text[begin] == '\n' ? nothing
                                                     : std::pair(begin, value_end(text, begin));
  }
  const size_t begin = lower_case(key) == "password" ? constant_at(text, end) : text.npos;
  return begin == text.npos || begin == end ? nothing : std::pair(begin, value_end(text, begin));
}

/// "password=...", as in connection strings, URLs and SQL, and SQL's PASSWORD '...'.
std::string mask_keywords(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_key_char(text[end])) ++end;
    if (end == i) {
      out += text[i++];
      continue;
    }
    const auto [begin, stop] = secret_behind(text, text.substr(i, end - i), end);
    out += text.substr(i, (begin == text.npos ? end : begin) - i);
    if (begin != text.npos) out += "***";
    i = begin == text.npos ? end : stop;
  }
  return out;
}

}  // namespace

std::string mask_text(std::string text) {
  if (text.find_first_of("@=") == text.npos && lower_case(text).find("password") == text.npos)
    return text;  // nearly always
  return mask_keywords(mask_places(text));
}

bool is_database_url(std::string_view text) {
  const std::string lower =
      lower_case(text.substr(std::min(text.find_first_not_of(kBlanks), text.size())));
  static constexpr std::string_view kBegins[] = {
      "postgresql:", "postgresql//", "postgres:", "jdbc:", "mongodb:", "mongodb+srv:", "mongodb//"};
  return std::any_of(std::begin(kBegins), std::end(kBegins),
                     [&](std::string_view begin) { return lower.starts_with(begin); }) ||
         mask_secrets(text) != text;
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
