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

/// The URL as it may be shown: the password, and every query parameter that holds one, replaced by
/// "***". Also takes key=value connection strings ("host=... password=...").
std::string mask_secrets(std::string_view url);

std::string percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);

}  // namespace lugger
