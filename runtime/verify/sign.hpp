// Verdicts signed with Ed25519, in the form of minisign: its own tool checks them too.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// Makes a key pair: `secret` (mode 0600) and `open`, the public one, which is returned as its line
/// of base64. Error{config} when a secret key is there already, or cannot be written.
std::string make_verdict_key(const std::string& secret, const std::string& open);

/// Text of the signature file over these bytes. `comment` is signed too; one line. Error{config}
/// when the key cannot be read, or others than its owner may read it.
std::string sign_verdict(std::string_view bytes, const std::string& secret,
                         std::string_view comment);

/// Empty: the signature is that of this key over these bytes; otherwise why not. `key`: the line of
/// base64, or the text of a public key file.
std::string check_verdict(std::string_view bytes, std::string_view signature, std::string_view key);

}  // namespace lugger
