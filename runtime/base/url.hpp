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

/// A place in a form that may be shown: "***" replaces the password and every query parameter with
/// a secret. Also handles key=value connection strings ("host=... password=...") and text that is
/// almost a URL: "user:secret@host", "jdbc:postgresql://...".
std::string mask_secrets(std::string_view url);

/// The same for a sentence that may contain places; the rest is unchanged. Errors call it
/// themselves; all other output of lugger for people must pass through it.
std::string mask_text(std::string text);

/// A keyword or parameter whose value is a secret: "password", "sslpassword", "apikey".
bool names_secret(std::string_view key);

/// True for text that begins like the URL of a database or contains a secret: as the path of a file
/// it is a mistake.
bool is_database_url(std::string_view text);

/// The next of the "key = value" pairs of a connection string as libpq reads it: a value may be in
/// single quotes, and holds backslash escapes.
struct ConninfoPair {
  std::string_view stray;  // words before the key; everything left, when there is no pair
  std::string_view key;
  std::string_view text;  // key to value, as it stands
  size_t size = 0;        // bytes up to its end; 0: there is none
  bool quoted = false;
};
ConninfoPair next_pair(std::string_view text);

std::string percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);

}  // namespace lugger
