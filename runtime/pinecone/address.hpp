// How an index of Pinecone is named and reached: pinecone://INDEX.
#pragma once
#include <memory>
#include <string>

#include "base/gate.hpp"
#include "base/joined_options.hpp"
#include "http/endpoint.hpp"
#include "store/http_place.hpp"

namespace lugger {

bool is_pinecone_place(const std::string& place);

/// Where indexes are listed, described and made (the control plane), and how their own hosts are
/// reached (the data plane).
struct PineconeAddress {
  std::string shown;  // the place, masked
  std::string index;  // of the URL; empty: none is named
  std::string version;
  std::shared_ptr<HttpEndpoint> control;
  /// The control plane, asked in the words of the version that knows document indexes.
  std::shared_ptr<HttpEndpoint> newest;
  bool open_http = false;  // a key may go to other machines without TLS

  /// The host of an index, as the control plane named it; the same for all who ask, so that they
  /// share its budget. Error{config}: the key would go there without TLS.
  std::shared_ptr<HttpEndpoint> data(const std::string& host, bool newest_version) const;
  struct Hosts;
  std::shared_ptr<Hosts> hosts;
  const std::string& base() const noexcept { return control->settings().base; }
};

/// Connects to nothing. Error{config} for a URL or options that are wrong.
PineconeAddress pinecone_address(const AllowedUrl& place, const Options& options);

/// Error{config} when an index cannot be called so.
void check_index_name(const std::string& name);

/// The options that sources and targets share.
inline constexpr auto kPineconeOptions = joined_options(
    kHttpOptions,
    std::array<OptionSpec, 6>{{
        {"address", OptionSpec::Type::kUrl,
         "the control plane, where it is another than Pinecone's own or that of "
         "PINECONE_CONTROLLER_HOST",
         "https://api.pinecone.io"},
        {"key_env", OptionSpec::Type::kText,
         "the environment variable that holds the key, where the URL has none", "PINECONE_API_KEY"},
        {"api_version", OptionSpec::Type::kText, "the version of Pinecone's API that is spoken",
         "2026-04"},
        {"plain_http", OptionSpec::Type::kFlag,
         "whether the key may go to another machine without TLS"},
        {"namespace", OptionSpec::Type::kText,
         "the one namespace that is meant; '' is the default one"},
        {"ids", OptionSpec::Type::kChoice,
         "how ids and namespaces stand in Pinecone, which takes ASCII alone: as they are, or "
         "percent-encoded as UTF-8",
         "ascii", "ascii|percent"},
    }});

}  // namespace lugger
