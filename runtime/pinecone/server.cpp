#include "pinecone/server.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>

#include "base/ascii.hpp"
#include "base/url.hpp"
#include "pinecone/freshness.hpp"
#include "store/error_words.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;

constexpr long kBad = 400, kNotFound = 404, kNotAllowed = 405, kConflict = 409, kTooLarge = 413,
               kUriTooLong = 414, kHeaderTooLarge = 431, kNotMade = 501, kBusy = 429;
constexpr std::string_view kDefault = "__default__";

/// A quota is for a month; a rate is over after a moment.
bool is_quota(long status, std::string_view body) {
  if (status != kBusy) return false;
  std::string words(body);
  std::ranges::transform(words, words.begin(), to_lower);
  for (const std::string_view word : {"month", "quota", "upgrade", "plan limit"})
    if (words.find(word) != std::string::npos) return true;
  return false;
}

[[noreturn]] void refused(const HttpAnswer& answer, std::string_view what) {
  const std::string words = words_of_error(answer.body);
  if (answer.status == kBusy) {
    throw Error(Code::kConfig, fmt::format("{}: {} {}", what, answer.status, words),
                "that is no rate that passes, but what the plan allows in a month: once it is "
                "raised, or the month is over, the same command goes on");
  }
  raise(Code::kRead, "{}: {} {}", what, answer.status, words);
}

std::string json_string(std::string_view text) {
  std::string out;
  write_json_string(text, out);
  return out;
}

std::string in_query(std::string_view name, const std::string& value) {
  return value.empty() ? "" : fmt::format("&{}={}", name, percent_encode(value));
}

/// A count, which some versions give as a string.
template <typename In>
uint64_t number_of(In&& json) {
  uint64_t out = 0;
  std::string_view digits;
  if (json.get(out) == simdjson::SUCCESS) return out;
  if (json.get(digits) != simdjson::SUCCESS) return 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return error == std::errc() ? out : 0;
}

std::string known_name(std::string_view name) {
  return name == kDefault ? std::string() : std::string(name);
}

PineconeLsn lsn_of(const HttpAnswer& answer, std::string_view name) {
  for (const auto& [header, value] : answer.headers) {
    uint64_t out = 0;
    if (header == name &&
        std::from_chars(value.data(), value.data() + value.size(), out).ec == std::errc())
      return out;
  }
  return std::nullopt;
}

element parsed(simdjson::dom::parser& parser, const std::string& body, std::string_view what) {
  element out;
  if (parser.parse(body).get(out) != simdjson::SUCCESS)
    raise(Code::kRead, "{}: the answer is no JSON: {}", what, body.substr(0, 100));
  return out;
}

}  // namespace

std::string shown_namespace(const std::string& name) {
  return name.empty() ? std::string(kDefault) : name;
}

std::vector<PineconeIndex> PineconeControl::indexes() {
  const HttpAnswer answer = client_.send({"GET", "/indexes"});
  if (!answer.good()) refused(answer, "the indexes cannot be listed");
  return indexes_from_json(answer.body);
}

std::optional<PineconeIndex> PineconeControl::find_index(const std::string& name) {
  const std::string path = "/indexes/" + percent_encode(name),
                    what = "the index " + name + " cannot be described";
  const HttpAnswer answer = client_.send({"GET", path});
  if (answer.good()) {
    PineconeIndex out = index_from_json(answer.body);
    const bool told = out.documents || out.dimension != 0 || out.sparse || out.pods;
    if (told) return out;
  }
  if (answer.status == kNotFound) return std::nullopt;
  // An older version has no words for a document index.
  const HttpAnswer newer = newest_.send({"GET", path});
  if (newer.status == kNotFound) return std::nullopt;
  if (!newer.good()) refused(answer.good() ? newer : answer, what);
  return index_from_json(newer.body);
}

void PineconeControl::create_index(const std::string& definition, const std::string& name) {
  constexpr std::chrono::milliseconds kFirst(200), kLongest(5000);
  constexpr std::chrono::minutes kPatience(10);
  const bool schema = definition.find("\"schema\"") != std::string::npos;
  const HttpAnswer answer = (schema ? newest_ : client_).send({"POST", "/indexes", definition});
  if (!answer.good() && answer.status != kConflict)
    raise(Code::kConfig, "the index {} cannot be made: {} {}", name, answer.status,
          words_of_error(answer.body));
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (auto wait = kFirst;; wait = std::min(2 * wait, kLongest)) {
    const std::optional<PineconeIndex> made = find_index(name);
    if (made && made->ready) return;
    const std::string state = made ? made->state : "not listed";
    if (state == "InitializationFailed" || std::chrono::steady_clock::now() > until)
      raise(Code::kConnect, "the index {} was made, and is not ready: {}", name, state);
    rest(wait);
  }
}

void PineconeControl::change_index(const std::string& name, const std::string& body) {
  const HttpAnswer answer = client_.send({"PATCH", "/indexes/" + percent_encode(name), body});
  if (!answer.good()) refused(answer, fmt::format("the tags of {} cannot be changed", name));
}

HttpAnswer PineconeData::send(const HttpRequest& request) {
  HttpRequest asked = request;
  asked.stays = is_quota;
  HttpAnswer answer = client_.send(asked);
  reconciled_ = lsn_of(answer, "x-pinecone-lsn-reconciled");
  committed_ = lsn_of(answer, "x-pinecone-lsn-committed");
  return answer;
}

std::string PineconeData::good(const HttpRequest& request, std::string_view what) {
  HttpAnswer answer = send(request);
  if (!answer.good()) refused(answer, what);
  return std::move(answer.body);
}

std::vector<PineconeNamespace> PineconeData::counted() {
  constexpr std::string_view kWhat = "the records cannot be counted";
  simdjson::dom::parser parser;
  const std::string body = good({"POST", "/describe_index_stats", "{}"}, kWhat);
  std::vector<PineconeNamespace> out;
  simdjson::dom::object all;
  if (parsed(parser, body, kWhat)["namespaces"].get(all) != simdjson::SUCCESS) return out;
  for (const auto& [name, of] : all) {
    uint64_t count = 0;
    if (of["vectorCount"].get(count) != simdjson::SUCCESS) count = number_of(of["recordCount"]);
    out.push_back({known_name(name), count});
  }
  return out;
}

std::vector<PineconeNamespace> PineconeData::namespaces() {
  constexpr std::string_view kWhat = "the namespaces cannot be listed";
  std::map<std::string, uint64_t> found;
  for (const PineconeNamespace& one : counted()) found[one.name] = one.records;
  std::string token;
  std::set<std::string> tokens;
  do {
    const HttpAnswer answer =
        send({"GET", "/namespaces?limit=100" + in_query("paginationToken", token)});
    // Versions before 2025-04 have counts alone.
    if (answer.status == kNotFound || answer.status == kNotAllowed || answer.status == kNotMade ||
        answer.status == kBad)
      break;
    if (!answer.good()) refused(answer, kWhat);
    simdjson::dom::parser parser;
    const element json = parsed(parser, answer.body, kWhat);
    simdjson::dom::array all;
    std::string_view next;
    if (json["pagination"]["next"].get(next) != simdjson::SUCCESS) next = {};
    if (json["namespaces"].get(all) == simdjson::SUCCESS) {
      for (const element& one : all) {
        std::string_view name;
        if (one["name"].get(name) != simdjson::SUCCESS) continue;
        const uint64_t count = number_of(one["record_count"]);
        uint64_t& known = found[known_name(name)];
        known = std::max(known, count);
      }
    }
    token = next;
    if (!token.empty() && !tokens.insert(token).second)
      raise(Code::kRead, "{}: their pages go round", kWhat);
  } while (!token.empty());
  std::vector<PineconeNamespace> out;
  for (const auto& [name, records] : found) out.push_back({name, records});
  return out;
}

PineconePage PineconeData::list(const std::string& name_space, const std::string& token) {
  const std::string what = "the ids of " + shown_namespace(name_space) + " cannot be listed";
  constexpr int kLimit = 100;
  HttpAnswer answer;
  if (documents_) {
    std::string body = fmt::format(R"({{"limit":{})", kLimit);
    if (!token.empty()) body += R"(,"pagination_token":)" + json_string(token);
    body += '}';
    answer = send({"POST", documents_path(name_space, "list"), body});
  } else {
    answer = send(
        {"GET", fmt::format("/vectors/list?limit={}{}{}", kLimit, in_query("namespace", name_space),
                            in_query("paginationToken", token))});
  }
  if (answer.status == kNotFound && token.empty()) {
    // A namespace without records; but where the index is gone, or counts some, it is none.
    const std::vector<PineconeNamespace> all = counted();
    const auto one = std::ranges::find(all, name_space, &PineconeNamespace::name);
    if (one == all.end() || one->records == 0) return {};
  }
  if (!answer.good()) refused(answer, what);
  ++read_units_;
  simdjson::dom::parser parser;
  const element json = parsed(parser, answer.body, what);
  PineconePage out;
  simdjson::dom::array all;
  std::string_view text;
  if (json[documents_ ? "documents" : "vectors"].get(all) == simdjson::SUCCESS) {
    for (const element& one : all) {
      if (one[documents_ ? "_id" : "id"].get(text) != simdjson::SUCCESS)
        raise(Code::kRead, "{}: an id is missing", what);
      out.ids.emplace_back(text);
    }
  }
  if (json["pagination"]["next"].get(text) == simdjson::SUCCESS) out.next = text;
  return out;
}

std::optional<std::string> PineconeData::fetch(const std::string& name_space,
                                               std::span<const std::string> ids) {
  constexpr size_t kAUnit = 10;
  HttpAnswer answer;
  if (documents_) {
    std::string body = R"({"ids":[)";
    for (size_t i = 0; i < ids.size(); ++i) body += (i == 0 ? "" : ",") + json_string(ids[i]);
    body += "]}";
    answer = send({"POST", documents_path(name_space, "fetch"), body});
  } else {
    std::string path = "/vectors/fetch";
    for (size_t i = 0; i < ids.size(); ++i)
      path += (i == 0 ? "?ids=" : "&ids=") + percent_encode(ids[i]);
    answer = send({"GET", path + in_query("namespace", name_space)});
  }
  const bool divides = answer.status == kTooLarge || answer.status == kUriTooLong ||
                       answer.status == kHeaderTooLarge || answer.status == kBad;
  if (divides && ids.size() > 1) return std::nullopt;
  if (!answer.good())
    refused(answer, "records of " + shown_namespace(name_space) + " cannot be fetched");
  read_units_ += (ids.size() + kAUnit - 1) / kAUnit;
  return std::move(answer.body);
}

HttpAnswer PineconeData::upsert(const std::string& name_space, const std::string& body) {
  HttpAnswer answer =
      send({"POST", documents_ ? documents_path(name_space, "upsert") : "/vectors/upsert", body});
  if (answer.status == kBusy) refused(answer, "records cannot be written");
  return answer;
}

void PineconeData::erase(const std::string& name_space, std::span<const std::string> ids) {
  std::string body = R"({"ids":[)";
  for (size_t i = 0; i < ids.size(); ++i) body += (i == 0 ? "" : ",") + json_string(ids[i]);
  body += ']';
  if (!documents_ && !name_space.empty()) body += R"(,"namespace":)" + json_string(name_space);
  body += '}';
  const std::string path = documents_ ? documents_path(name_space, "delete") : "/vectors/delete";
  const HttpAnswer answer = send({"POST", path, body});
  if (!answer.good() && answer.status != kNotFound)
    refused(answer, "records of " + shown_namespace(name_space) + " cannot be deleted");
}

std::string PineconeData::query(const std::string& name_space, const std::string& body) {
  return good({"POST", documents_ ? documents_path(name_space, "search") : "/query", body},
              "the index cannot be searched");
}

std::string PineconeData::documents_path(const std::string& name_space,
                                         std::string_view call) const {
  return fmt::format("/namespaces/{}/documents/{}", percent_encode(shown_namespace(name_space)),
                     call);
}

}  // namespace lugger
