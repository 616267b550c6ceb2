#include "weaviate/lengths.hpp"

#include <simdjson.h>

namespace lugger {
namespace {

constexpr size_t kLooked = 50;  // objects

/// Of a vector, or of the first of many; 0: it is none.
uint32_t length_of(const simdjson::dom::element& json) {
  simdjson::dom::array elements, first;
  if (json.get(elements) != simdjson::SUCCESS || elements.size() == 0) return 0;
  const bool many = elements.at(0).get(first) == simdjson::SUCCESS;
  return static_cast<uint32_t>(many ? first.size() : elements.size());
}

class Found {
 public:
  void add(std::string_view name, const simdjson::dom::element& vector) {
    const uint32_t length = length_of(vector);
    if (length == 0) return;
    uint32_t& known = lengths_[std::string(name)];
    if (known == 0) known = length;
    if (known != length) known = kSeveral;
  }
  std::map<std::string, uint32_t> take() {
    std::erase_if(lengths_, [](const auto& one) { return one.second == kSeveral; });
    return std::move(lengths_);
  }

 private:
  static constexpr uint32_t kSeveral = UINT32_MAX;
  std::map<std::string, uint32_t> lengths_;
};

}  // namespace

std::map<std::string, uint32_t> find_lengths(WeaviateServer& server, const std::string& class_name,
                                             const std::string& tenant) {
  const simdjson::padded_string page(server.page(class_name, tenant, "", kLooked));
  simdjson::dom::parser parser;
  simdjson::dom::array objects;
  Found found;
  if (parser.parse(page)["objects"].get(objects) != simdjson::SUCCESS) return {};
  for (const simdjson::dom::element& object : objects) {
    simdjson::dom::element vector;
    simdjson::dom::object named;
    if (object["vector"].get(vector) == simdjson::SUCCESS) found.add("", vector);
    if (object["vectors"].get(named) != simdjson::SUCCESS) continue;
    for (const auto& [name, value] : named) found.add(name, value);
  }
  return found.take();
}

VectorLengths::VectorLengths(const ClassLayout& layout,
                             const std::map<std::string, uint32_t>& known)
    : lengths_(layout.slots.size()) {
  for (size_t i = 0; i < layout.slots.size(); ++i) {
    const auto found = known.find(layout.slots[i].name);
    if (layout.slots[i].form == ObjectForm::kVector && found != known.end())
      lengths_[i] = found->second;
  }
}

uint32_t VectorLengths::other_than(size_t slot, uint32_t length) noexcept {
  uint32_t expected = 0;
  if (lengths_[slot].compare_exchange_strong(expected, length)) return 0;
  return expected == length ? 0 : expected;
}

}  // namespace lugger
