// Places as users write them: "postgresql://user:secret@host/db", "dump/shop", "file.bson.gz",
// "local:./pg", "-".
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace lugger {

/// "postgresql", "mongodb", "local", "http" ...; empty for a path. A one-letter scheme is not a
/// scheme.
std::string_view url_scheme(std::string_view url) noexcept;

/// A place as it may be shown: the password, and every query parameter that holds one, replaced by
/// "***". Also takes key=value connection strings ("host=... password=...") and what is only nearly
/// a URL: "user:secret@host", "jdbc:postgresql://...".
std::string mask_secrets(std::string_view url);

/// The same for a sentence in which places may stand, with the rest of it as it is. Errors do so by
/// themselves; what else leaves lugger for people to read passes through here.
std::string mask_text(std::string text);

/// A keyword or parameter whose value is a secret: "password", "sslpassword", "apikey".
bool names_secret(std::string_view key);

/// Begins like the URL of a database, or holds a secret: as the path of a file, a slip.
bool is_database_url(std::string_view text);

/// The next of the "key = value" pairs of a connection string as libpq reads it: a value may be in
/// single quotes, and holds backslash escapes.
struct ConninfoPair {
  std::string_view stray;  // words before the key, and the spaces; all that is left, without a pair
  std::string_view key;
  std::string_view text;  // key to value, as it stands
  size_t size = 0;        // bytes up to its end; 0: there is none
  bool quoted = false;
};
ConninfoPair next_pair(std::string_view text);

std::string percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);

}  // namespace lugger
