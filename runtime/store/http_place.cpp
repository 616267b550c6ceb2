#include "store/http_place.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "base/gate.hpp"

namespace lugger {

HttpSettings http_settings(const Options& options) {
  HttpSettings out;
  out.verify = options.flag("verify_tls", true);
  out.ca_file = options.text("ca_file");
  if (!out.ca_file.empty()) out.ca_file = AllowedPath(out.ca_file).text();
  out.timeout_s = std::max(options.number("timeout_s", out.timeout_s), 0.001);
  out.per_second = std::max(options.number("requests_per_s", 0), 0.0);
  return out;
}

std::string key_or_environment(std::string key, const std::string& variable) {
  if (key.empty()) {
    const char* found = std::getenv(variable.c_str());
    if (found != nullptr) key = found;
  }
  if (key.find_first_of("\r\n") != std::string::npos)
    raise(Code::kConfig, "the key holds a line end");
  return key;
}

bool is_this_machine(std::string_view host) {
  const std::string_view name =
      host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
  return name == "localhost" || name.starts_with("127.") || name == "[::1]";
}

}  // namespace lugger
