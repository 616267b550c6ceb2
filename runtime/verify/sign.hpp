// Signs verdicts with Ed25519 in the format of minisign, so that minisign can check them too.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// Makes a key pair: `secret` (mode 0600) and the public key `open`. Returns the public key as its
/// line of base64. Error{config} when the secret key exists already or cannot be written.
std::string make_verdict_key(const std::string& secret, const std::string& open);

/// The text of the signature file for these bytes. `comment` is one line and is signed too.
/// Error{config} when the key cannot be read, or when others than its owner may read it.
std::string sign_verdict(std::string_view bytes, const std::string& secret,
                         std::string_view comment);

/// Why the signature is not that of this key for these bytes; empty: it is. `key`: the line of
/// base64, or the text of a public key file.
std::string check_verdict(std::string_view bytes, std::string_view signature, std::string_view key);

}  // namespace lugger
