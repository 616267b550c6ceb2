// Makes vectors of texts, by a model behind an HTTP endpoint that speaks OpenAI's /v1/embeddings.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "http/client.hpp"

namespace lugger {

struct EmbedSettings {
  std::string url;                 // "http://localhost:8080/v1": what stands before /embeddings
  std::string model;               // as the server names it
  std::vector<std::string> keys;   // sent to the server, never shown; one for each connection
  std::string prefix;              // stands before every text: "query: "
  uint64_t dimensions = 0;         // asked for, of models that can be shortened; 0: the model's own
  uint64_t batch = 32;             // texts a request, at most
  uint64_t batch_tokens = 100000;  // tokens a request, about, at most
  double bytes_per_token = 4;      // to tell tokens before they are counted by the server
  double per_million = 0;          // the price of a million tokens; 0: nobody has said
  double max_usd = 0;              // of a run; 0: no limit. So are these:
  uint64_t max_tokens = 0, max_requests = 0;
  uint64_t longest = 0;    // bytes of a text that the model takes whole; 0: it says itself
  bool truncate = false;   // a longer text is cut; otherwise it is refused
  uint64_t in_flight = 1;  // requests of one worker at a time
  std::string cache;       // the file that keeps what was paid for
  double timeout_s = 120;
  double requests_per_s = 0;
  int attempts = 5;  // of one request
  bool verify_tls = true;
  std::string ca_file;
};

/// What one request asks for.
struct EmbedLoad {
  uint64_t texts = 0, bytes = 0;
};

/// Is told of every request.
class EmbedMeter {
 public:
  virtual ~EmbedMeter() = default;
  /// Before it is sent, each time it is. What this throws keeps it from being sent.
  virtual void sends(const EmbedLoad& load) = 0;
  /// It has been answered. tokens: as the server counts them.
  virtual void answered(const EmbedLoad& load, std::optional<uint64_t> tokens) = 0;
};

/// What became of a text.
struct EmbedAnswer {
  std::vector<float> vector;
  std::string refusal;  // why there is no vector
};

/// One thread at a time.
class Embedder {
 public:
  /// Gives the answers for texts from `first` on, as soon as they are there.
  using Take = std::function<void(size_t first, std::vector<EmbedAnswer> answers)>;

  /// Connects to nothing. Error{config} for a URL that is none. `meter` outlives it.
  explicit Embedder(EmbedSettings settings, EmbedMeter* meter = nullptr);
  /// One of several that share a connection's budget.
  Embedder(EmbedSettings settings, std::shared_ptr<HttpEndpoint> endpoint, EmbedMeter* meter);

  static std::shared_ptr<HttpEndpoint> endpoint_of(const EmbedSettings& settings,
                                                   const std::string& key);
  /// How many of the first texts go into one request.
  size_t fits(std::span<const std::string_view> texts) const;
  /// One request, or several when it is too large. Every text is answered once, by a vector or a
  /// refusal. Throws what vectors() throws of anything else.
  void ask(std::span<const std::string_view> texts, const Take& take);
  /// One vector a text, in their order, all of the same dimensions. Error{coerce} for a text that
  /// the model refuses, Error{config} for a model that is not there, Error{read} for an answer that
  /// is not what was asked for; and what HttpClient::send() throws.
  std::vector<std::vector<float>> vectors(std::span<const std::string> texts);
  /// "e5-small at http://localhost:8080/v1".
  const std::string& shown() const noexcept { return shown_; }

 private:
  void embed(std::span<const std::string_view> texts, size_t first, const Take& take);
  HttpAnswer send(std::span<const std::string_view> texts);
  std::string body_of(std::span<const std::string_view> texts) const;
  std::vector<EmbedAnswer> read(const std::string& body, const EmbedLoad& load) const;
  std::string refusal_of(const HttpAnswer& answer);
  [[noreturn]] void wrong(const std::string& what) const;

  EmbedSettings settings_;
  std::string shown_;
  std::shared_ptr<HttpEndpoint> endpoint_;
  EmbedMeter* meter_;
  std::unique_ptr<HttpClient> client_;   // made for the first text
  uint64_t answered_ = 0, refused_ = 0;  // texts
};

}  // namespace lugger
