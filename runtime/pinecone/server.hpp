// What lugger asks of Pinecone. One thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "pinecone/address.hpp"
#include "pinecone/index.hpp"

namespace lugger {

/// The control plane: which indexes there are.
class PineconeControl {
 public:
  explicit PineconeControl(const PineconeAddress& address)
      : client_(address.control), newest_(address.newest), version_(address.version) {}

  std::vector<PineconeIndex> indexes();
  std::optional<PineconeIndex> find_index(const std::string& name);
  /// Waits until it can be written. An index of this name that stands already is not an error.
  void create_index(const std::string& definition, const std::string& name);
  /// Changes what the body says of it. Error{config}.
  void change_index(const std::string& name, const std::string& body);

 private:
  HttpClient client_, newest_;
  const std::string version_;
};

struct PineconeNamespace {
  std::string name;  // "": the default one
  uint64_t records = 0;
};

/// A page of ids, or of what stands behind them.
struct PineconePage {
  std::vector<std::string> ids;
  std::string next;  // the token of the next page; "": there is none
};

/// How far writes are, and how far reads see; nullopt: the answer did not tell.
using PineconeLsn = std::optional<uint64_t>;

/// The data plane of one index. Namespaces are named as Pinecone has them; "" is the default one.
class PineconeData {
 public:
  PineconeData(const std::shared_ptr<HttpEndpoint>& endpoint, bool documents)
      : client_(endpoint), documents_(documents) {}

  /// Those with records, by name. What was written a moment ago may be missing.
  std::vector<PineconeNamespace> namespaces();
  PineconePage list(const std::string& name_space, const std::string& token);
  /// The records as JSON; nullopt: so many ids are too much for one request.
  std::optional<std::string> fetch(const std::string& name_space, std::span<const std::string> ids);
  /// Any answer that says something of the records.
  HttpAnswer upsert(const std::string& name_space, const std::string& body);
  void erase(const std::string& name_space, std::span<const std::string> ids);
  /// The body of the answer to a search.
  std::string query(const std::string& name_space, const std::string& body);

  /// Of all reads so far.
  uint64_t read_units() const noexcept { return read_units_; }
  /// Of the last answer.
  PineconeLsn reconciled() const noexcept { return reconciled_; }
  PineconeLsn committed() const noexcept { return committed_; }

 private:
  HttpAnswer send(const HttpRequest& request);
  std::string documents_path(const std::string& name_space, std::string_view call) const;
  /// The body of a 2xx; an Error that says `what` failed otherwise.
  std::string good(const HttpRequest& request, std::string_view what);
  std::vector<PineconeNamespace> counted();

  HttpClient client_;
  const bool documents_;
  uint64_t read_units_ = 0;
  PineconeLsn reconciled_, committed_;
};

/// The text that requests have of a namespace.
std::string shown_namespace(const std::string& name);

}  // namespace lugger
