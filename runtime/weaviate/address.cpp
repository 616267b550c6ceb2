#include "weaviate/address.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/error.hpp"
#include "base/url.hpp"

namespace lugger {
namespace {

constexpr std::string_view kPlain = "weaviate://", kTls = "weaviates://";
constexpr std::string_view kForm =
    "the form is weaviate://:KEY@host:8080/Class, and weaviates:// "
    "for HTTPS; special characters in the key are percent-encoded";

struct Parts {
  bool tls = false;
  std::string key, host, path;
};

[[noreturn]] void refuse(std::string_view why) {
  throw Error(Code::kConfig, fmt::format("the URL of a Weaviate {}", why), std::string(kForm));
}

Parts parts_of(std::string_view url) {
  Parts out;
  out.tls = url.starts_with(kTls);
  url.remove_prefix(out.tls ? kTls.size() : kPlain.size());
  if (url.find_first_of("?#") != std::string_view::npos)
    refuse("takes no parameters: they are options of the source or target");
  const size_t at = url.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view user = url.substr(0, at);
    // A key that stands where a user does would be shown.
    if (user.find(':') == std::string_view::npos) refuse("has its key behind a colon, :KEY@host");
    out.key = percent_decode(user.substr(user.find(':') + 1));
    url.remove_prefix(at + 1);
  }
  const size_t slash = url.find('/');
  out.host = url.substr(0, slash);
  if (slash != std::string_view::npos) out.path = percent_decode(url.substr(slash + 1));
  if (out.host.empty() || out.host.find_first_of(" \t\r\n\\") != std::string::npos)
    refuse("names no host");
  if (out.path.ends_with('/')) out.path.pop_back();
  return out;
}

bool has_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  return colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
}

}  // namespace

bool is_weaviate_place(const std::string& place) {
  return place.starts_with(kPlain) || place.starts_with(kTls);
}

std::string class_name_of(const std::string& name) {
  constexpr size_t kMost = 255;
  std::string out = name;
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
  const bool good = !out.empty() && out.size() <= kMost && out[0] >= 'A' && out[0] <= 'Z' &&
                    std::ranges::all_of(out, [](char c) {
                      return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_';
                    });
  if (good) return out;
  throw Error(Code::kConfig, fmt::format("'{}' cannot be the name of a class in Weaviate", name),
              "a letter, then letters, digits and _, at most 255 of them");
}

WeaviateAddress weaviate_address(const AllowedUrl& place, const Options& options) {
  const Parts parts = parts_of(place.text());
  HttpSettings settings = http_settings(options);
  settings.base = parts.tls ? "https://" : "http://";
  settings.base += parts.host;
  if (!has_port(parts.host) && !parts.tls) settings.base += ":8080";
  settings.bearer = key_or_environment(parts.key, options.text("key_env", "WEAVIATE_API_KEY"));
  WeaviateAddress out;
  out.shown = mask_secrets(place.text());
  out.open_key = !parts.tls && !settings.bearer.empty() && !is_this_machine(parts.host);
  if (!parts.path.empty()) out.class_name = class_name_of(parts.path);
  out.endpoint = std::make_shared<HttpEndpoint>(std::move(settings));
  return out;
}

}  // namespace lugger
