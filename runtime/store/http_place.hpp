// What all stores behind HTTP are told in the same words.
#pragma once
#include <array>

#include "base/options.hpp"
#include "http/endpoint.hpp"

namespace lugger {

inline constexpr std::array<OptionSpec, 4> kHttpOptions = {{
    {"verify_tls", OptionSpec::Type::kFlag, "whether the server's certificate is checked", "true"},
    {"ca_file", OptionSpec::Type::kPath,
     "the file with the certificates to trust, in place of the system's"},
    {"timeout_s", OptionSpec::Type::kNumber, "seconds for a request and its whole answer", "120"},
    {"requests_per_s", OptionSpec::Type::kNumber,
     "requests a second at most, of all workers together"},
}};

/// Of these options; the base and the key are the store's business.
HttpSettings http_settings(const Options& options);
/// The key, or what `variable` of the environment holds where it is empty. Error{config} for one
/// that is no header.
std::string key_or_environment(std::string key, const std::string& variable);
/// "localhost:8080", "127.0.0.1", "[::1]:80".
bool is_this_machine(std::string_view host);

}  // namespace lugger
