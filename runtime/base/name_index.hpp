// Where among others a name stands: for lists that may be long.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

namespace lugger {

class NameIndex {
 public:
  void add(std::string_view name, size_t place) { places_.emplace(name, place); }
  /// nullptr: it is not among them. Allocates nothing.
  const size_t* find(std::string_view name) const noexcept {
    const auto found = places_.find(name);
    return found == places_.end() ? nullptr : &found->second;
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };
  std::unordered_map<std::string, size_t, Hash, std::equal_to<>> places_;
};

}  // namespace lugger
