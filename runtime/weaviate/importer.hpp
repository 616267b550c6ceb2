// Sends objects to a class in batches, and finds those that are refused.
#pragma once
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "http/client.hpp"
#include "weaviate/echo_filter.hpp"
#include "weaviate/server.hpp"

namespace lugger {

struct RefusedObject {
  size_t object = 0;  // by the order of add()
  std::string reason;
};

/// Belongs to one worker. Objects that were sent stand under their ids, so they may be sent again.
class ObjectImporter {
 public:
  /// `like` is the fingerprint of the class: it is asked for once in each unit.
  ObjectImporter(WeaviateServer& server, std::string class_name, std::string like)
      : server_(server), class_name_(std::move(class_name)), like_(std::move(like)) {}

  /// Objects are messages from here on, which go by gRPC to what must be the same server.
  void call(const std::shared_ptr<HttpEndpoint>& calls, std::string tenant);
  /// Adds an object as JSON, or as a message.
  void add(std::string_view object);
  /// Sends what a request can hold, or with `all` everything. Error{connect} when the server cannot
  /// take objects now, Error{conflict} when the class is not what it was.
  void send(bool all);
  /// How many objects were added since forget().
  size_t added() const noexcept { return first_ + ends_.size(); }
  const std::vector<RefusedObject>& refused() const noexcept { return refused_; }
  /// The next object is the first of a unit.
  void forget() noexcept;

 private:
  void send(size_t from, size_t to);
  void pack(size_t from, size_t to);
  void post(size_t from, size_t to);
  void read_results(const EchoFilter& echo, size_t from, size_t to);
  void read_reply(std::string_view body, size_t from, size_t to);
  void ask_for_class();
  void prove_server(size_t i);
  void judge(size_t object, std::string reason);
  void check_class();
  std::string_view object(size_t i) const noexcept;

  WeaviateServer& server_;
  const std::string class_name_, like_;
  std::string text_, body_;
  std::vector<size_t> ends_;  // of the objects in the text
  size_t first_ = 0;          // objects of the unit that were sent
  bool checked_ = false;
  std::unique_ptr<HttpClient> calls_;  // nullptr: REST
  std::string tenant_;
  bool asked_ = false;   // what is called has the class
  bool proved_ = false;  // what is called is the same server
  std::vector<RefusedObject> refused_;
};

}  // namespace lugger
