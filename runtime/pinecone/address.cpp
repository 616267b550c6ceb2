#include "pinecone/address.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include "base/ascii.hpp"
#include "base/error.hpp"
#include "base/url.hpp"

namespace lugger {
namespace {

constexpr std::string_view kScheme = "pinecone://", kHttp = "http://", kHttps = "https://";
constexpr std::string_view kControl = "https://api.pinecone.io";
constexpr std::string_view kVersion = "2026-04", kNewest = "2026-07";
constexpr std::string_view kForm =
    "the form is pinecone://INDEX, or pinecone://:KEY@INDEX; the key is better in PINECONE_API_KEY";

[[noreturn]] void refuse(std::string_view why) {
  throw Error(Code::kConfig, fmt::format("the URL of a Pinecone {}", why), std::string(kForm));
}

std::string_view host_of(std::string_view base) {
  base.remove_prefix(base.find("://") + 3);
  return base.substr(0, base.find('/'));
}

void check_plain(const std::string& base, bool open_http) {
  if (!base.starts_with(kHttp) || open_http || is_this_machine(host_of(base))) return;
  throw Error(Code::kConfig,
              fmt::format("{} is another machine, and plain HTTP shows it the key to "
                          "everybody between",
                          base),
              "give its https:// address; plain_http = true allows it all the same");
}

std::string control_of(const Options& options) {
  std::string out = options.text("address");
  if (out.empty()) {
    const char* found = std::getenv("PINECONE_CONTROLLER_HOST");
    if (found != nullptr) out = found;
  }
  if (out.empty()) return std::string(kControl);
  if (out.find("://") == std::string::npos) out.insert(0, kHttps);
  const bool web = out.starts_with(kHttp) || out.starts_with(kHttps);
  while (out.ends_with('/')) out.pop_back();
  if (!web || host_of(out).empty() || out.find('@') != std::string::npos) {
    throw Error(Code::kConfig,
                "the address of Pinecone's control plane is no http(s) URL of a host",
                "such as https://api.pinecone.io; the key does not belong there");
  }
  return AllowedUrl(out).text();
}

std::string version_of(const Options& options) {
  std::string out = options.text("api_version", kVersion);
  const bool good = out.size() >= kVersion.size() && std::ranges::all_of(out, [](char c) {
                      return is_digit(c) || c == '-' || c == '.' || (c >= 'a' && c <= 'z');
                    });
  if (!good) raise(Code::kConfig, "api_version = '{}': it is a month, as in '{}'", out, kVersion);
  return out;
}

HttpSettings in_version(HttpSettings settings, std::string_view version) {
  settings.headers = {fmt::format("X-Pinecone-Api-Version: {}", version)};
  return settings;
}

}  // namespace

struct PineconeAddress::Hosts {
  std::mutex mutex;
  std::map<std::pair<std::string, bool>, std::shared_ptr<HttpEndpoint>> endpoints;
};

bool is_pinecone_place(const std::string& place) { return place.starts_with(kScheme); }

void check_index_name(const std::string& name) {
  constexpr size_t kMost = 45;
  const bool good = !name.empty() && name.size() <= kMost && std::ranges::all_of(name, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
  });
  if (good) return;
  throw Error(Code::kConfig, fmt::format("'{}' cannot be the name of an index in Pinecone", name),
              "small letters, digits and -, at most 45 of them; pinecone://INDEX names another "
              "than the table");
}

PineconeAddress pinecone_address(const AllowedUrl& place, const Options& options) {
  std::string_view url = place.text();
  url.remove_prefix(kScheme.size());
  if (url.find_first_of("?#") != std::string_view::npos)
    refuse("takes no parameters: they are options of the source or target");
  std::string key;
  if (const size_t at = url.rfind('@'); at != std::string_view::npos) {
    // A key that stands where a user does would be shown.
    if (!url.starts_with(':')) refuse("has its key behind a colon, :KEY@INDEX");
    key = percent_decode(url.substr(1, at - 1));
    url.remove_prefix(at + 1);
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  PineconeAddress out;
  out.hosts = std::make_shared<PineconeAddress::Hosts>();
  out.index = url;
  if (!out.index.empty()) check_index_name(out.index);
  out.shown = mask_secrets(place.text());
  out.open_http = options.flag("plain_http");
  out.version = version_of(options);
  HttpSettings settings = http_settings(options);
  settings.base = control_of(options);
  check_plain(settings.base, out.open_http);
  settings.key_header = "Api-Key: ";
  settings.bearer = key_or_environment(std::move(key), options.text("key_env", "PINECONE_API_KEY"));
  settings.kept_headers = "x-pinecone-";
  out.newest = std::make_shared<HttpEndpoint>(
      in_version(settings, std::max(out.version, std::string(kNewest))));
  out.control = std::make_shared<HttpEndpoint>(in_version(std::move(settings), out.version));
  return out;
}

std::shared_ptr<HttpEndpoint> PineconeAddress::data(const std::string& host,
                                                    bool newest_version) const {
  HttpSettings settings = (newest_version ? newest : control)->settings();
  const bool plain = settings.base.starts_with(kHttp);
  settings.base = host;
  if (host.find("://") == std::string::npos) {
    const bool near = plain && is_this_machine(host);
    settings.base.insert(0, near ? kHttp : kHttps);
  }
  check_plain(settings.base, open_http);
  const std::lock_guard lock(hosts->mutex);
  std::shared_ptr<HttpEndpoint>& out = hosts->endpoints[{settings.base, newest_version}];
  if (!out) out = std::make_shared<HttpEndpoint>(std::move(settings));
  return out;
}

}  // namespace lugger
