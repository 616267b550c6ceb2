// Makes vectors of texts, by a model behind an HTTP endpoint that speaks OpenAI's /v1/embeddings.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "http/client.hpp"

namespace lugger {

struct EmbedSettings {
  std::string url;          // "http://localhost:8080/v1": what stands before /embeddings
  std::string model;        // as the server names it
  std::string key;          // sent to the server, never shown
  std::string prefix;       // stands before every text: "query: "
  uint64_t dimensions = 0;  // asked for, of models that can be shortened; 0: the model's own
  uint64_t batch = 32;      // texts a request, at most
  double timeout_s = 120;
  double requests_per_s = 0;
  bool verify_tls = true;
  std::string ca_file;
};

/// One thread at a time.
class Embedder {
 public:
  /// Connects to nothing. Error{config} for a URL that is none.
  explicit Embedder(EmbedSettings settings);

  /// One vector a text, in their order, all of the same dimensions. Error{coerce} for a text that
  /// the model refuses, Error{config} for a model that is not there, Error{read} for an answer that
  /// is not what was asked for; and what HttpClient::send() throws.
  std::vector<std::vector<float>> vectors(std::span<const std::string> texts);
  /// "e5-small at http://localhost:8080/v1".
  const std::string& shown() const noexcept { return shown_; }

 private:
  void embed(std::span<const std::string> texts, size_t first,
             std::vector<std::vector<float>>& out);
  std::string body_of(std::span<const std::string> texts) const;
  void read(const std::string& body, size_t count, std::vector<std::vector<float>>& out) const;
  [[noreturn]] void refuse(const HttpAnswer& answer, size_t number) const;
  [[noreturn]] void wrong(const std::string& what) const;

  EmbedSettings settings_;
  std::string shown_;
  std::unique_ptr<HttpClient> client_;  // made for the first text
};

}  // namespace lugger
