#include "weaviate/importer.hpp"

#include <simdjson.h>

#include "http/grpc.hpp"
#include "weaviate/object_message.hpp"
#include "weaviate/protobuf.hpp"

namespace lugger {
namespace {

// Below what proxies let pass, and far below what Weaviate takes.
constexpr size_t kBodyBytes = 4 << 20;
constexpr size_t kMostObjects = 1000;

constexpr uint32_t kObjects = 1;  // the field of the message BatchObjectsRequest
// Of the message SearchRequest.
constexpr uint32_t kCollection = 1, kTenant = 10, kLimit = 30, kApi123 = 100, kApi125 = 101,
                   kApi127 = 102;
constexpr long kTooLarge = 413, kUnprocessable = 422, kBad = 400;

bool says(const std::string& words, std::string_view part) {
  return words.find(part) != std::string::npos;
}

[[noreturn]] void not_told(const std::string& class_name, size_t objects) {
  raise(Code::kConnect,
        "{}: the server's answer to a batch of {} objects does not say what became of each",
        class_name, objects);
}

}  // namespace

void ObjectImporter::call(const std::shared_ptr<HttpEndpoint>& calls, std::string tenant) {
  calls_ = std::make_unique<HttpClient>(calls);
  tenant_ = std::move(tenant);
}

void ObjectImporter::add(std::string_view object) {
  text_ += object;
  ends_.push_back(text_.size());
}

void ObjectImporter::forget() noexcept {
  text_.clear();
  ends_.clear();
  refused_.clear();
  first_ = 0;
  checked_ = false;
}

std::string_view ObjectImporter::object(size_t i) const noexcept {
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::string_view(text_).substr(begin, ends_[i] - begin);
}

void ObjectImporter::send(bool all) {
  if (!all && text_.size() < kBodyBytes && ends_.size() < kMostObjects) return;
  if (ends_.empty()) return;
  if (!checked_) check_class();
  checked_ = true;
  for (size_t from = 0; from < ends_.size();) {
    size_t to = from + 1, bytes = object(from).size();
    while (to < ends_.size() && to - from < kMostObjects && bytes + object(to).size() <= kBodyBytes)
      bytes += object(to++).size();
    send(from, to);
    from = to;
  }
  first_ += ends_.size();
  text_.clear();
  ends_.clear();
}

/// With a class that is gone, the server would make one by its own guesses.
void ObjectImporter::check_class() {
  const std::optional<WeaviateClass> now = server_.find_class(class_name_);
  if (now && now->fingerprint() == like_) return;
  throw Error(
      Code::kConflict,
      fmt::format("the class {} {}", class_name_,
                  now ? "was changed while it was loaded" : "is gone"),
      "nothing was written into it since; start the run again with --restart once the class "
      "stands as it should");
}

void ObjectImporter::send(size_t from, size_t to) {
  // The first goes alone, in case that another server is called.
  for (; calls_ && !proved_ && from < to; ++from) prove_server(from);
  if (from < to) post(from, to);
}

void ObjectImporter::pack(size_t from, size_t to) {
  if (calls_) {
    body_ = grpc::kHead;
    ByteBuffer head;
    for (size_t i = from; i < to; ++i) {
      head.clear();
      protobuf::put_tag(head, kObjects, protobuf::kBytes);
      protobuf::put_varint(head, object(i).size());
      body_ += head.text();
      body_ += object(i);
    }
    return grpc::end_frame(body_);
  }
  body_ = R"({"objects":[)";
  for (size_t i = from; i < to; ++i) {
    if (i != from) body_ += ',';
    body_ += object(i);
  }
  body_ += "]}";
}

void ObjectImporter::post(size_t from, size_t to) {
  pack(from, to);
  EchoFilter echo;
  const HttpAnswer answer =
      calls_ ? calls_->send({"POST", "/weaviate.v1.Weaviate/BatchObjects", body_})
             : server_.client().send({"POST", "/v1/batch/objects", body_, &echo});
  if (answer.good())
    return calls_ ? read_reply(answer.body, from, to) : read_results(echo, from, to);
  const bool divides =
      answer.status == kTooLarge || answer.status == kUnprocessable || answer.status == kBad;
  const std::string words = fmt::format("{} {}", answer.status, words_of_error(answer.body));
  if (!divides) raise(Code::kRead, "{} takes no objects: {}", class_name_, words);
  if (to - from == 1) return judge(from, words);
  post(from, from + (to - from) / 2);
  post(from + (to - from) / 2, to);
}

/// A server without the class would make one by its own guesses.
void ObjectImporter::ask_for_class() {
  ByteBuffer search;
  protobuf::put(search, kCollection, class_name_);
  if (!tenant_.empty()) protobuf::put(search, kTenant, tenant_);
  for (const uint32_t field : {kLimit, kApi123, kApi125, kApi127}) {
    protobuf::put_tag(search, field, protobuf::kVarint);
    protobuf::put_varint(search, 1);
  }
  body_ = grpc::kHead;
  body_ += search.text();
  grpc::end_frame(body_);
  const HttpAnswer answer = calls_->send({"POST", "/weaviate.v1.Weaviate/Search", body_, nullptr,
                                          [](long, std::string_view) { return true; }});
  asked_ = answer.good();
  if (asked_) return;
  throw Error(
      Code::kConfig,
      fmt::format("the port of gRPC does not know the class {}: {}", class_name_, answer.body),
      "grpc_port = PORT names that of the same Weaviate, grpc = false does without");
}

void ObjectImporter::prove_server(size_t i) {
  if (!asked_) ask_for_class();
  const std::string id(ObjectMessages::id_of(object(i)));
  const bool was_there = server_.object(class_name_, tenant_, id).has_value();
  const size_t refused = refused_.size();
  post(i, i + 1);
  if (refused_.size() != refused) return;  // says nothing
  proved_ = true;
  if (was_there || server_.object(class_name_, tenant_, id)) return;
  throw Error(Code::kConfig,
              fmt::format("the port of gRPC belongs to another Weaviate: the object {} of {} went "
                          "there",
                          id, class_name_),
              "grpc_port = PORT names the right one, grpc = false does without");
}

void ObjectImporter::read_reply(std::string_view body, size_t from, size_t to) {
  const std::optional<std::string_view> message = grpc::message_of(body);
  const auto errors = message ? lugger::read_reply(*message) : std::nullopt;
  if (!errors) not_told(class_name_, to - from);
  for (const MessageError& error : *errors) {
    if (error.object >= to - from) not_told(class_name_, to - from);
    judge(from + error.object, error.reason);
  }
}

void ObjectImporter::read_results(const EchoFilter& echo, size_t from, size_t to) {
  simdjson::dom::parser parser;
  simdjson::dom::array results;
  if (!echo.whole() || parser.parse(echo.results()).get(results) != simdjson::SUCCESS ||
      results.size() != to - from)
    not_told(class_name_, to - from);
  size_t i = from;
  for (const simdjson::dom::element& result : results) {
    std::string_view status, words;
    if (result["status"].get(status) != simdjson::SUCCESS) status = "none";
    simdjson::dom::array errors;
    const bool faulty = result["errors"]["error"].get(errors) == simdjson::SUCCESS;
    if (status != "SUCCESS" || faulty) {
      const bool told = faulty && errors.at(0)["message"].get(words) == simdjson::SUCCESS;
      judge(i, told ? std::string(words) : fmt::format("status {}", status));
    }
    ++i;
  }
}

/// Most reasons are the object's own. The others would make rejects of everything that follows.
void ObjectImporter::judge(size_t object, std::string reason) {
  if (says(reason, "read-only") || says(reason, "read only")) {
    throw Error(Code::kConnect, fmt::format("{} takes no objects now: {}", class_name_, reason),
                "a disk that is nearly full makes Weaviate read-only "
                "(DISK_USE_READONLY_PERCENTAGE); once there is room, the same command goes on");
  }
  if (says(reason, "tenant not active") || says(reason, "tenant not found")) {
    throw Error(Code::kConflict, fmt::format("{}: {}", class_name_, reason),
                "activate or make the tenant, then run the same command again");
  }
  refused_.push_back({first_ + object, std::move(reason)});
}

}  // namespace lugger
