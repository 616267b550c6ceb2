#include "embed/embedder.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/gate.hpp"
#include "base/text.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;

constexpr size_t kMostTexts = 2048, kMostBytes = 1 << 20;  // of one request
constexpr long kBadRequest = 400, kNotFound = 404, kTooLarge = 413, kUnprocessable = 422,
               kBusy = 429;

/// "http://host/v1" of what people write.
std::string base_of(const std::string& url) {
  constexpr std::string_view kEnd = "/embeddings";
  std::string out = AllowedUrl(url).text();
  while (out.ends_with('/')) out.pop_back();
  if (out.ends_with(kEnd)) out.resize(out.size() - kEnd.size());
  const size_t scheme = out.starts_with("https://") ? 8 : out.starts_with("http://") ? 7 : 0;
  if (scheme != 0 && out.size() > scheme && out.find_first_of("@?# \t\r\n") == std::string::npos)
    return out;
  throw Error(Code::kConfig, "the url of a model is no plain URL of HTTP",
              "it is what stands before /embeddings: http://localhost:8080/v1; a key is named by "
              "key_env");
}

/// The words of {"error": {"message": ...}}, {"error": "..."}, {"message": ...}.
std::string words_of(const std::string& body) {
  constexpr size_t kMost = 300;
  simdjson::dom::parser parser;
  element json;
  std::string_view words = body;
  if (parser.parse(body).get(json) == simdjson::SUCCESS &&
      json["error"]["message"].get(words) != simdjson::SUCCESS &&
      json["error"].get(words) != simdjson::SUCCESS &&
      json["message"].get(words) != simdjson::SUCCESS)
    words = body;
  std::string out(words.substr(0, kMost));
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < ' '; }, ' ');
  return out;
}

/// No credit, and a text that is too long for llama.cpp, are told like a server that is busy.
bool stays(long status, std::string_view body) {
  if (status == kBusy) return body.find("insufficient_quota") != std::string_view::npos;
  return body.find("too large to process") != std::string_view::npos;
}

/// Whether fewer texts in one request may help.
bool may_be_halved(const HttpAnswer& answer) {
  return answer.status == kBadRequest || answer.status == kTooLarge ||
         answer.status == kUnprocessable || answer.status >= 500;
}

bool take_numbers(const element& json, std::vector<float>& out) {
  simdjson::dom::array numbers;
  std::string_view text;
  if (json.get(numbers) == simdjson::SUCCESS) {
    for (const element& one : numbers) {
      double number = 0;
      if (one.get(number) != simdjson::SUCCESS) return false;
      out.push_back(static_cast<float>(number));
    }
  } else if (json.get(text) == simdjson::SUCCESS) {
    const std::optional<std::string> bytes = from_base64(text);
    if (!bytes || bytes->size() % sizeof(float) != 0) return false;
    for (size_t i = 0; i < bytes->size(); i += sizeof(float))
      out.push_back(load_le<float>(as_bytes(*bytes).data() + i));
  }
  return !out.empty() && std::ranges::all_of(out, [](float one) { return std::isfinite(one); });
}

}  // namespace

Embedder::Embedder(EmbedSettings settings, EmbedMeter* meter)
    : Embedder(std::move(settings), nullptr, meter) {}

Embedder::Embedder(EmbedSettings settings, std::shared_ptr<HttpEndpoint> endpoint,
                   EmbedMeter* meter)
    : settings_(std::move(settings)), endpoint_(std::move(endpoint)), meter_(meter) {
  settings_.url = base_of(settings_.url);
  for (const std::string& key : settings_.keys) {
    if (key.find_first_of("\r\n") != std::string::npos)
      raise(Code::kConfig, "the key of the model holds a line end");
  }
  settings_.batch = std::clamp<uint64_t>(settings_.batch, 1, kMostTexts);
  shown_ = settings_.model.empty() ? settings_.url : settings_.model + " at " + settings_.url;
}

std::shared_ptr<HttpEndpoint> Embedder::endpoint_of(const EmbedSettings& settings,
                                                    const std::string& key) {
  HttpSettings http;
  http.base = base_of(settings.url);
  http.bearer = key;
  http.verify = settings.verify_tls;
  if (!settings.ca_file.empty()) http.ca_file = AllowedPath(settings.ca_file).text();
  http.timeout_s = std::max(settings.timeout_s, 0.001);
  http.attempts = settings.attempts;
  http.per_second = std::max(settings.requests_per_s, 0.0);
  return std::make_shared<HttpEndpoint>(std::move(http));
}

size_t Embedder::fits(std::span<const std::string_view> texts) const {
  const double of_tokens = static_cast<double>(settings_.batch_tokens) * settings_.bytes_per_token;
  const size_t most = of_tokens < kMostBytes ? static_cast<size_t>(of_tokens) : kMostBytes;
  size_t count = 0;
  for (size_t bytes = 0; count < texts.size() && count < settings_.batch; ++count) {
    bytes += settings_.prefix.size() + texts[count].size();
    if (count != 0 && bytes > most) break;
  }
  return count;
}

void Embedder::ask(std::span<const std::string_view> texts, const Take& take) {
  embed(texts, 0, take);
}

std::vector<std::vector<float>> Embedder::vectors(std::span<const std::string> texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<std::vector<float>> out(texts.size());
  std::span<const std::string_view> left = views;
  for (size_t start = 0; !left.empty();) {
    const size_t count = fits(left);
    embed(left.first(count), start, [&](size_t first, std::vector<EmbedAnswer> answers) {
      for (size_t i = 0; i < answers.size(); ++i) {
        if (!answers[i].refusal.empty()) {
          throw Error(Code::kCoerce,
                      fmt::format("{} makes no vector of text {}: {}", shown_, first + i + 1,
                                  answers[i].refusal),
                      "a text must not be empty, nor longer than the model takes");
        }
        out[first + i] = std::move(answers[i].vector);
      }
    });
    start += count;
    left = left.subspan(count);
  }
  for (size_t i = 1; i < out.size(); ++i) {
    if (out[i].size() != out[0].size())
      wrong(fmt::format("vectors of {} and of {} dimensions", out[0].size(), out[i].size()));
  }
  return out;
}

/// A request that is too much is halved, until a single text is refused.
void Embedder::embed(std::span<const std::string_view> texts, size_t first, const Take& take) {
  const HttpAnswer answer = send(texts);
  if (answer.good()) {
    EmbedLoad load{texts.size()};
    for (const std::string_view text : texts) load.bytes += settings_.prefix.size() + text.size();
    answered_ += texts.size();
    return take(first, read(answer.body, load));
  }
  if (texts.size() == 1 || !may_be_halved(answer)) {
    std::vector<EmbedAnswer> refused(1);
    refused[0].refusal = refusal_of(answer);
    return take(first, std::move(refused));
  }
  const size_t half = texts.size() / 2;
  embed(texts.first(half), first, take);
  embed(texts.subspan(half), first + half, take);
}

HttpAnswer Embedder::send(std::span<const std::string_view> texts) {
  if (!endpoint_)
    endpoint_ = endpoint_of(settings_, settings_.keys.empty() ? "" : settings_.keys.front());
  if (!client_) client_ = std::make_unique<HttpClient>(endpoint_);
  EmbedLoad load{texts.size()};
  for (const std::string_view text : texts) load.bytes += settings_.prefix.size() + text.size();
  const std::string body = body_of(texts);
  HttpRequest request{"POST", "/embeddings", body, nullptr, stays};
  if (meter_ != nullptr) request.before = [&] { meter_->sends(load); };
  return client_->send(request);
}

std::string Embedder::body_of(std::span<const std::string_view> texts) const {
  std::string out = "{";
  if (!settings_.model.empty()) {
    out += R"("model":)";
    write_json_string(settings_.model, out);
    out += ",";
  }
  if (settings_.dimensions != 0) out += fmt::format(R"("dimensions":{},)", settings_.dimensions);
  out += R"("input":[)";
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i != 0) out += ",";
    write_json_string(settings_.prefix + std::string(texts[i]), out);
  }
  return out + "]}";
}

/// Vectors come with the place of their text, in any order.
std::vector<EmbedAnswer> Embedder::read(const std::string& body, const EmbedLoad& load) const {
  const size_t count = load.texts;
  simdjson::dom::parser parser;
  element json;
  simdjson::dom::array data;
  if (parser.parse(body).get(json) != simdjson::SUCCESS ||
      json["data"].get(data) != simdjson::SUCCESS)
    wrong("no list of vectors");
  uint64_t tokens = 0;
  const bool counted = json["usage"]["total_tokens"].get(tokens) == simdjson::SUCCESS;
  if (meter_ != nullptr) meter_->answered(load, counted ? std::optional(tokens) : std::nullopt);
  std::vector<EmbedAnswer> out(count);
  for (const element& one : data) {
    uint64_t index = 0;
    if (one["index"].get(index) != simdjson::SUCCESS && count != 1)
      wrong("a vector without the place of its text");
    if (index >= count) wrong(fmt::format("a vector for text {} of {}", index + 1, count));
    std::vector<float>& vector = out[index].vector;
    element numbers;
    if (!vector.empty()) wrong(fmt::format("text {} twice", index + 1));
    if (one["embedding"].get(numbers) != simdjson::SUCCESS || !take_numbers(numbers, vector))
      wrong("what is no vector of finite numbers");
    if (std::ranges::all_of(vector, [](float number) { return number == 0; }))
      wrong("a vector of zeros");
    if (settings_.dimensions != 0 && vector.size() != settings_.dimensions) {
      wrong(fmt::format("{} dimensions, although {} were asked for: it cannot shorten them",
                        vector.size(), settings_.dimensions));
    }
  }
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i].vector.empty()) wrong(fmt::format("nothing for text {}", i + 1));
  return out;
}

/// Why the model takes no such text. A model that takes none is no matter of the text.
std::string Embedder::refusal_of(const HttpAnswer& answer) {
  constexpr uint64_t kNoneIsTaken = 4;
  const std::string words = words_of(answer.body);
  if (answer.status == kBusy)
    throw Error(Code::kConfig, fmt::format("{}: no credit is left: {}", shown_, words),
                "the account behind the key must be charged: waiting does not help");
  if (answer.status == kNotFound)
    throw Error(Code::kConfig, fmt::format("{} is not there: {}", shown_, words),
                "url is what stands before /embeddings, and model a name that the server knows");
  if (!may_be_halved(answer) || (++refused_ == kNoneIsTaken && answered_ == 0)) {
    throw Error(Code::kConfig,
                fmt::format("{} makes no vector of any text: {} {}", shown_, answer.status, words),
                "model, dimensions and prefix must be what it takes");
  }
  return fmt::format("{} {}", answer.status, words);
}

void Embedder::wrong(const std::string& what) const {
  throw Error(Code::kRead, fmt::format("{} answers {}", shown_, what),
              "it must speak OpenAI's /v1/embeddings");
}

}  // namespace lugger
