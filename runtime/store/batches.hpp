// Objects on their way to a store that takes many in one request.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lugger {

struct BatchRefusal {
  size_t object = 0;  // by the order of add()
  std::string reason;
};

/// Cuts them by size and number, and finds those for which a whole request is refused by halving
/// it. Objects that were sent stand under their ids, so they may be sent again. Belongs to one
/// worker.
class ObjectBatches {
 public:
  struct Limits {
    size_t bytes = 0, objects = 0;  // of one request
  };
  explicit ObjectBatches(Limits limits) : limits_(limits) {}
  virtual ~ObjectBatches() = default;
  ObjectBatches(const ObjectBatches&) = delete;
  ObjectBatches& operator=(const ObjectBatches&) = delete;

  /// Objects of different groups never share a request, nor do two of one id, of which the later
  /// one is to stand.
  void add(std::string_view object, std::string_view group, std::string_view id);
  /// Sends what fills a request, or with `all` everything. Error{connect} when the store cannot
  /// take objects now.
  void send(bool all);
  const std::vector<BatchRefusal>& refused() const noexcept { return refused_; }
  /// The next object is the first of a unit.
  void forget() noexcept;

 protected:
  struct Posted {
    std::string why;  // "": taken
    bool too_large = false;
  };
  /// Before the first request of a unit.
  virtual void begin_unit() {}
  /// Sends these objects in one request. A refusal is one that another request, of fewer objects,
  /// need not meet; all others are thrown.
  virtual Posted post(const std::string& group, std::span<const size_t> objects) = 0;
  std::string_view object(size_t i) const noexcept;
  /// A store may find that the reason is not the object's own, and throw.
  virtual void refuse(size_t object, std::string reason) {
    refused_.push_back({first_ + object, std::move(reason)});
  }

 private:
  struct Entry {
    size_t end;  // in the text
    uint32_t group;
    size_t id;  // its hash
  };
  size_t cut(size_t from);
  void post_halved(const std::string& group, std::span<const size_t> objects);

  Limits limits_;
  std::string text_;
  std::vector<Entry> entries_;
  std::vector<size_t> order_, ids_;
  std::map<std::string, uint32_t, std::less<>> groups_;
  std::vector<std::string> group_names_;
  size_t first_ = 0;  // objects of the unit that were sent
  bool mixed_ = false, begun_ = false;
  std::vector<BatchRefusal> refused_;
};

}  // namespace lugger
