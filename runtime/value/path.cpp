#include "value/path.hpp"

#include "base/error.hpp"

namespace lugger {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> names(1);
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size()) {
      names.back() += path[++i];
    } else if (path[i] == '.') {
      names.emplace_back();
    } else {
      names.back() += path[i];
    }
  }
  for (const std::string& name : names) {
    if (!name.empty()) continue;
    throw Error(Code::kConfig, fmt::format("path \"{}\" has an empty name in it", path),
                "write paths as \"address.city\"; a dot inside a name as \"a\\.b\"");
  }
  return names;
}

void PathTrie::add(std::string_view path, size_t taker) {
  size_t at = 0;
  for (std::string& name : split_path(path)) {
    size_t hint = 0;
    const Edge* edge = find(nodes_[at], name, hint);
    if (edge != nullptr) {
      at = edge->node;
      continue;
    }
    const size_t made = nodes_.size();
    nodes_.emplace_back();
    nodes_[at].index.add(name, nodes_[at].edges.size());
    nodes_[at].edges.push_back({std::move(name), made});
    at = made;
  }
  nodes_[at].takers.push_back(taker);
}

}  // namespace lugger
