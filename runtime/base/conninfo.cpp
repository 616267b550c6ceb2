#include "base/conninfo.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/url.hpp"

namespace lugger {
namespace {

struct Field {
  std::string name, value;
  bool secret = false;
};

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

std::vector<Field> fields_of(const std::string& place) {
  char* message = nullptr;
  const Options parsed(PQconninfoParse(place.c_str(), &message), &PQconninfoFree);
  PQfreemem(message);
  std::vector<Field> out;
  const PQconninfoOption* option = parsed.get();
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string name = option->keyword, value = option->val;
    const bool secret = option->dispchar[0] == '*' || names_secret(name) ||
                        mask_secrets(value) != value;  // dbname='x password=y'
    out.push_back({name, value, secret && !value.empty()});
  }
  return out;
}

/// After an unescaped '@' in a password, libpq reads the rest of the password as a host.
bool may_be_rest_of_password(const Field& field) {
  const bool marked = field.value.find('@') != std::string::npos;
  if (field.name == "host") return marked && field.value.front() != '@';
  if (field.name == "port")
    return field.value.find_first_not_of("0123456789,") != std::string::npos;
  return marked && field.name == "dbname";
}

std::string take(std::vector<Field>& fields, std::string_view name) {
  const auto at = std::find_if(fields.begin(), fields.end(),
                               [&](const Field& field) { return field.name == name; });
  if (at == fields.end()) return {};
  std::string value = at->secret ? "***" : percent_encode(at->value);
  fields.erase(at);
  return value;
}

/// "h1:5432,h2", "[::1]"
std::string authority(std::vector<Field>& fields) {
  const auto list = [&](std::string_view name) {
    std::vector<std::string> out(1);
    const auto at = std::find_if(fields.begin(), fields.end(),
                                 [&](const Field& field) { return field.name == name; });
    if (at == fields.end()) return out;
    for (const char c : at->value) {
      if (c == ',') {
        out.emplace_back();
      } else {
        out.back() += c;
      }
    }
    fields.erase(at);
    return out;
  };
  const std::vector<std::string> hosts = list("host"), ports = list("port");
  std::string out;
  for (size_t i = 0; i < std::max(hosts.size(), ports.size()); ++i) {
    const std::string host = i < hosts.size() ? hosts[i] : "";
    const std::string& port = ports[ports.size() == 1 ? 0 : std::min(i, ports.size() - 1)];
    const bool address = host.find(':') != std::string::npos;
    out += i == 0 ? "" : ",";
    out += address ? "[" + host + "]" : percent_encode(host);
    if (!port.empty()) out += ":" + port;
  }
  return out;
}

std::string as_url(std::string_view place, std::vector<Field> fields) {
  std::string out(place.substr(0, place.find("://") + 3));
  // In a URL a password stands behind its user or among the parameters.
  const bool beside_user = std::any_of(fields.begin(), fields.end(),
                                       [](const Field& field) { return field.name == "user"; });
  out += take(fields, "user");
  if (beside_user && !take(fields, "password").empty()) out += ":***";
  if (beside_user) out += "@";
  out += authority(fields);
  const std::string database = take(fields, "dbname");
  if (!database.empty() || !fields.empty() || place.ends_with('/')) out += "/" + database;
  char mark = '?';
  for (const Field& field : fields) {
    out += mark + field.name + "=" + (field.secret ? "***" : percent_encode(field.value));
    mark = '&';
  }
  return out;
}

std::string as_string(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) {
    out += (out.empty() ? "" : " ") + field.name + "=";
    const bool plain =
        !field.value.empty() && field.value.find_first_of(" \t\r\n\v\f'\\") == std::string::npos;
    if (field.secret) {
      out += "***";
    } else if (plain) {
      out += field.value;
    } else {
      out += "'";
      for (const char c : field.value) {
        if (c == '\\' || c == '\'') out += '\\';
        out += c;
      }
      out += "'";
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> shown_by_fields(const std::string& place) {
  if (place.find('\0') != std::string::npos) return std::nullopt;
  const bool url = place.starts_with("postgresql://") || place.starts_with("postgres://");
  if (!url && place.find('=') == std::string::npos) return std::nullopt;
  std::vector<Field> fields = fields_of(place);
  const auto is_secret = [](const Field& field) { return field.secret; };
  if (std::none_of(fields.begin(), fields.end(), is_secret)) return std::nullopt;
  if (url && std::any_of(fields.begin(), fields.end(), may_be_rest_of_password))
    return std::nullopt;
  if (url) return as_url(place, std::move(fields));
  // In the order in which they were written.
  std::stable_sort(fields.begin(), fields.end(), [&](const Field& a, const Field& b) {
    return place.find(a.name) < place.find(b.name);
  });
  return as_string(fields);
}

}  // namespace lugger
