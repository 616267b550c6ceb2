// Dotted paths compiled to a trie, so that a document is walked only once for any number of
// columns.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/name_index.hpp"

namespace lugger {

/// "address.city" -> {"address", "city"}; a backslash keeps the next character: "a\.b" is one name.
/// Error{config} for an empty path or name.
std::vector<std::string> split_path(std::string_view path);

/// A node of the trie. `takers` are the caller's numbers (columns, arrays) that want the value
/// found here.
class PathTrie {
 public:
  struct Edge {
    std::string name;
    size_t node;
  };
  struct Node {
    std::vector<Edge> edges;
    NameIndex index;  // of the edges
    std::vector<size_t> takers;
  };

  PathTrie() : nodes_(1) {}
  void add(std::string_view path, size_t taker);
  const Node& root() const noexcept { return nodes_[0]; }
  const Node& node(size_t i) const noexcept { return nodes_[i]; }

  /// The edge for a name. `hint` is where the last one was found: fields mostly come in the order
  /// of the last document.
  const Edge* find(const Node& node, std::string_view name, size_t& hint) const noexcept {
    constexpr size_t kTried = 8;  // cheaper than a look into the index
    const size_t n = node.edges.size();
    for (size_t tried = 0, i = hint; tried < n && tried < kTried; ++tried, ++i) {
      if (i >= n) i = 0;
      if (node.edges[i].name == name) {
        hint = i + 1;
        return &node.edges[i];
      }
    }
    const size_t* known = n > kTried ? node.index.find(name) : nullptr;
    if (known == nullptr) return nullptr;
    hint = *known + 1;
    return &node.edges[*known];
  }

 private:
  std::vector<Node> nodes_;
};

}  // namespace lugger
