// What lugger asks of a Weaviate, over REST. One thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "store/error_words.hpp"
#include "weaviate/schema.hpp"

namespace lugger {

struct WeaviateTenant {
  std::string name;
  bool active = false;
  bool off = false;  // and can be turned on; what is offloaded cannot
};

class WeaviateServer {
 public:
  explicit WeaviateServer(const std::shared_ptr<HttpEndpoint>& endpoint) : client_(endpoint) {}

  HttpClient& client() noexcept { return client_; }
  /// "1.39.0". Error{connect} for a server that is no Weaviate.
  std::string version();
  /// How many bytes a call over gRPC may have; a server that does not tell has no limit.
  size_t most_of_call();
  std::vector<WeaviateClass> classes();
  /// By its name or an alias of it.
  std::optional<WeaviateClass> find_class(const std::string& name);
  /// The names of its shards, which a class that is made anew has not; "": they say nothing, since
  /// those of tenants have the tenants' names.
  std::string shards(const WeaviateClass& one);
  /// Equal as long as it is the same class, and objects can be written and read as before.
  std::string identity(const WeaviateClass& one) { return one.fingerprint() + ' ' + shards(one); }
  void create_class(const std::string& definition);
  /// False: this version does not let it be changed.
  bool describe_class(const std::string& name, const std::string& description);
  std::vector<WeaviateTenant> tenants(const std::string& class_name);
  void add_tenant(const std::string& class_name, const std::string& tenant);
  void set_tenant(const std::string& class_name, const std::string& tenant, std::string_view state);
  /// True when the class, or the tenant of it, holds an object.
  bool holds_objects(const std::string& class_name, const std::string& tenant);
  /// nullopt: the server counts for nobody, since its GraphQL is off.
  std::optional<uint64_t> count(const std::string& class_name, const std::string& tenant);
  /// Objects behind `after` in the order of their ids ("": from the first one), as JSON.
  std::string page(const std::string& class_name, const std::string& tenant,
                   const std::string& after, size_t limit);
  /// One object as JSON; nullopt: there is none.
  std::optional<std::string> object(const std::string& class_name, const std::string& tenant,
                                    const std::string& id);
  /// Gone, too, when it was not there.
  void erase(const std::string& class_name, const std::string& tenant, const std::string& id);

 private:
  /// The body of a 2xx; an Error that says `what` failed otherwise.
  std::string get(std::string path, std::string_view what);
  HttpClient client_;
};

}  // namespace lugger
