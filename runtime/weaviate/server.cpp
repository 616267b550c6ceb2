#include "weaviate/server.hpp"

#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>

#include "base/url.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;

constexpr long kNotFound = 404, kGone = 410;

[[noreturn]] void refused(const HttpAnswer& answer, std::string_view what) {
  raise(Code::kRead, "{}: {} {}", what, answer.status, words_of_error(answer.body));
}

std::string objects_path(const std::string& class_name, const std::string& tenant) {
  std::string out = "/v1/objects?class=" + percent_encode(class_name);
  if (!tenant.empty()) out += "&tenant=" + percent_encode(tenant);
  return out;
}

}  // namespace

std::string WeaviateServer::get(std::string path, std::string_view what) {
  HttpAnswer answer = client_.send({"GET", std::move(path)});
  if (!answer.good()) refused(answer, what);
  return std::move(answer.body);
}

std::string WeaviateServer::version() {
  const HttpAnswer answer = client_.send({"GET", "/v1/meta"});
  simdjson::dom::parser parser;
  element json;
  std::string_view out;
  if (!answer.good() || parser.parse(answer.body).get(json) != simdjson::SUCCESS ||
      json["version"].get(out) != simdjson::SUCCESS) {
    throw Error(Code::kConfig, "what answers there is no Weaviate",
                "the place names the port of its REST interface, 8080 if nobody chose another");
  }
  return std::string(out);
}

size_t WeaviateServer::most_of_call() {
  simdjson::dom::parser parser;
  element json;
  uint64_t out = 0;
  const bool told = parser.parse(get("/v1/meta", "the server does not say what it is")).get(json) ==
                        simdjson::SUCCESS &&
                    json["grpcMaxMessageSize"].get(out) == simdjson::SUCCESS && out != 0;
  return told ? out : SIZE_MAX;
}

std::vector<WeaviateClass> WeaviateServer::classes() {
  return classes_from_json(get("/v1/schema", "the schema cannot be read"));
}

std::optional<WeaviateClass> WeaviateServer::find_class(const std::string& name) {
  const HttpAnswer answer = client_.send({"GET", "/v1/schema/" + percent_encode(name)});
  if (answer.good()) {
    WeaviateClass out = class_from_json(answer.body);
    if (out.name != name) out.alias = name;
    return out;
  }
  if (answer.status != kNotFound) refused(answer, "the class " + name + " cannot be read");
  // Servers before 1.32 have no aliases, and answer 404 to this, too.
  const HttpAnswer alias = client_.send({"GET", "/v1/aliases/" + percent_encode(name)});
  simdjson::dom::parser parser;
  element json;
  std::string_view of;
  if (!alias.good() || parser.parse(alias.body).get(json) != simdjson::SUCCESS ||
      json["class"].get(of) != simdjson::SUCCESS || of == name)
    return std::nullopt;
  std::optional<WeaviateClass> out = find_class(std::string(of));
  if (out) out->alias = name;
  return out;
}

std::string WeaviateServer::shards(const WeaviateClass& one) {
  if (one.tenants) return "";
  const HttpAnswer answer =
      client_.send({"GET", fmt::format("/v1/schema/{}/shards", percent_encode(one.name))});
  simdjson::dom::parser parser;
  simdjson::dom::array shards;
  if (!answer.good() || parser.parse(answer.body).get(shards) != simdjson::SUCCESS) return "";
  std::vector<std::string> names;
  std::string_view name;
  for (const element& shard : shards)
    if (shard["name"].get(name) == simdjson::SUCCESS) names.emplace_back(name);
  std::ranges::sort(names);
  return fmt::format("{}", fmt::join(names, " "));
}

void WeaviateServer::create_class(const std::string& definition) {
  const HttpAnswer answer = client_.send({"POST", "/v1/schema", definition});
  if (answer.good()) return;
  const std::string words = words_of_error(answer.body);
  // A request that was sent again may have been carried out the first time.
  if (words.find("already exists") != std::string::npos) return;
  raise(Code::kConfig, "the class cannot be made: {} {}", answer.status, words);
}

bool WeaviateServer::describe_class(const std::string& name, const std::string& description) {
  const std::string path = "/v1/schema/" + percent_encode(name);
  const std::string stands = get(path, "the class " + name + " cannot be read");
  const std::string wanted = with_description(stands, description);
  if (!client_.send({"PUT", path, wanted}).good()) return false;
  return class_from_json(get(path, "the class " + name + " cannot be read")).description ==
         description;
}

std::vector<WeaviateTenant> WeaviateServer::tenants(const std::string& class_name) {
  const std::string body = get("/v1/schema/" + percent_encode(class_name) + "/tenants",
                               "the tenants of " + class_name + " cannot be read");
  simdjson::dom::parser parser;
  simdjson::dom::array all;
  if (parser.parse(body).get(all) != simdjson::SUCCESS)
    raise(Code::kParse, "the tenants of {} are no JSON array", class_name);
  std::vector<WeaviateTenant> out;
  for (const element& one : all) {
    std::string_view name, status;
    if (one["name"].get(name) != simdjson::SUCCESS) continue;
    if (one["activityStatus"].get(status) != simdjson::SUCCESS) status = "HOT";
    out.push_back({std::string(name), status == "HOT" || status == "ACTIVE",
                   status == "COLD" || status == "INACTIVE"});
  }
  return out;
}

void WeaviateServer::add_tenant(const std::string& class_name, const std::string& tenant) {
  const std::string body = fmt::format(R"([{{"name":{}}}])", json_text(tenant));
  const HttpAnswer answer =
      client_.send({"POST", "/v1/schema/" + percent_encode(class_name) + "/tenants", body});
  if (!answer.good()) refused(answer, "the tenant " + tenant + " cannot be made");
}

void WeaviateServer::set_tenant(const std::string& class_name, const std::string& tenant,
                                std::string_view state) {
  const std::string body =
      fmt::format(R"([{{"name":{},"activityStatus":"{}"}}])", json_text(tenant), state);
  const HttpAnswer answer =
      client_.send({"PUT", "/v1/schema/" + percent_encode(class_name) + "/tenants", body});
  if (!answer.good())
    refused(answer, fmt::format("the tenant {} cannot be made {}", tenant, state));
}

bool WeaviateServer::holds_objects(const std::string& class_name, const std::string& tenant) {
  const std::string body = get(objects_path(class_name, tenant) + "&limit=1",
                               "the objects of " + class_name + " cannot be read");
  simdjson::dom::parser parser;
  simdjson::dom::array objects;
  return parser.parse(body)["objects"].get(objects) == simdjson::SUCCESS && objects.size() != 0;
}

std::optional<uint64_t> WeaviateServer::count(const std::string& class_name,
                                              const std::string& tenant) {
  const std::string narrowed = tenant.empty() ? "" : fmt::format("(tenant: {})", json_text(tenant));
  const std::string query =
      fmt::format("{{ Aggregate {{ {}{} {{ meta {{ count }} }} }} }}", class_name, narrowed);
  const std::string body = fmt::format(R"({{"query":{}}})", json_text(query));
  const HttpAnswer answer = client_.send({"POST", "/v1/graphql", body});
  if (answer.status == kGone || answer.status == kNotFound) return std::nullopt;
  const std::string what = "the objects of " + class_name + " cannot be counted";
  if (!answer.good()) refused(answer, what);
  simdjson::dom::parser parser;
  element json;
  uint64_t out = 0;
  if (parser.parse(answer.body).get(json) == simdjson::SUCCESS &&
      json["data"]["Aggregate"][class_name].at(0)["meta"]["count"].get(out) == simdjson::SUCCESS)
    return out;
  raise(Code::kRead, "{}: {}", what, answer.body.substr(0, 300));
}

std::string WeaviateServer::page(const std::string& class_name, const std::string& tenant,
                                 const std::string& after, size_t limit) {
  std::string path = objects_path(class_name, tenant);
  path += fmt::format("&limit={}&include=vector", limit);
  if (!after.empty()) path += "&after=" + after;
  return get(std::move(path), "the objects of " + class_name + " cannot be read");
}

void WeaviateServer::erase(const std::string& class_name, const std::string& tenant,
                           const std::string& id) {
  std::string path = fmt::format("/v1/objects/{}/{}", percent_encode(class_name), id);
  if (!tenant.empty()) path += "?tenant=" + percent_encode(tenant);
  const HttpAnswer answer = client_.send({"DELETE", std::move(path)});
  if (!answer.good() && answer.status != kNotFound)
    refused(answer, "an object of " + class_name + " cannot be deleted");
}

std::optional<std::string> WeaviateServer::object(const std::string& class_name,
                                                  const std::string& tenant,
                                                  const std::string& id) {
  std::string path =
      fmt::format("/v1/objects/{}/{}?include=vector", percent_encode(class_name), id);
  if (!tenant.empty()) path += "&tenant=" + percent_encode(tenant);
  HttpAnswer answer = client_.send({"GET", std::move(path)});
  if (answer.status == kNotFound) return std::nullopt;
  if (!answer.good()) refused(answer, "an object of " + class_name + " cannot be read");
  return std::move(answer.body);
}

}  // namespace lugger
