// How a Weaviate is named and reached: weaviate://:KEY@host:8080/Class.
#pragma once
#include <array>
#include <memory>
#include <string>

#include "base/gate.hpp"
#include "base/joined_options.hpp"
#include "http/endpoint.hpp"
#include "store/http_place.hpp"

namespace lugger {

/// True for weaviate:// (HTTP) and weaviates:// (HTTPS).
bool is_weaviate_place(const std::string& place);

struct WeaviateAddress {
  std::shared_ptr<HttpEndpoint> endpoint;
  std::string shown;       // the place, masked
  std::string class_name;  // of the path; empty: none is named
  bool open_key = false;   // a key goes to another machine without TLS
};

/// The key is that of the URL, or what the environment variable holds that key_env names. Connects to
/// nothing. Error{config} for a URL that is wrong.
WeaviateAddress weaviate_address(const AllowedUrl& place, const Options& options);

/// "docs" as Weaviate would store it, "Docs". Error{config} when it cannot be a class.
std::string class_name_of(const std::string& name);

/// The options that sources and targets share.
inline constexpr auto kWeaviateOptions = joined_options(
    kHttpOptions,
    std::array<OptionSpec, 1>{{
        {"key_env", OptionSpec::Type::kText,
         "the environment variable that holds the key, where the URL has none", "WEAVIATE_API_KEY"},
    }});

}  // namespace lugger
