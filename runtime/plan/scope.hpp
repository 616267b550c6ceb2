// What one table wants of one document or array element: the raw values of its columns, gathered in
// a single walk.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "plan/failure.hpp"
#include "plan/plan.hpp"
#include "value/path.hpp"

namespace lugger {

/// Belongs to one worker. read() fills raw(); the values borrow from the document, or from the
/// arena for from = '*'.
class Scope {
 public:
  /// `arrays`: paths of the child tables that hang off this scope. `route`: path of the
  /// discriminator, or empty.
  Scope(const TablePlan& table, const std::vector<std::string>& arrays, const std::string& route);

  /// kNone, kMalformed, or kWrongType when an element has no fields but the columns need them.
  Failure read(const Document& document, Arena& arena);
  Failure read(const Value& element, Arena& arena);

  const Value& column(size_t i) const noexcept { return raw_[i]; }
  const Value& array(size_t i) const noexcept { return raw_[columns_ + i]; }
  const Value& route() const noexcept { return raw_.back(); }

  /// Paths nobody took in the document read last? For Unmapped::kError.
  bool left_over() const noexcept { return left_over_; }
  /// Adds "prefix + path" -> times seen.
  void unmapped(const std::string& prefix, std::map<std::string, uint64_t>& out) const;

 private:
  struct Stray {
    std::string path;
    uint64_t seen;
  };
  Failure read_bson(Bytes document, Arena& arena);
  Failure read_row(const Document& document, Arena& arena);
  bool walk(size_t node, Bytes document, ArenaWriter* rest);
  void enter(size_t node, std::string_view name, const Value& value, Bytes element,
             ArenaWriter* rest);
  void take(const PathTrie::Node& node, const Value& value);
  void stray(size_t node, std::string_view name);

  PathTrie trie_;
  size_t columns_, rest_column_, whole_column_;
  std::vector<size_t> element_columns_;     // from = "."
  std::vector<Value> raw_;                  // columns, arrays, route
  std::vector<std::vector<Stray>> strays_;  // one list a node
  std::vector<size_t> stray_hints_;
  std::vector<std::string> prefixes_;  // dotted path of each node, with the final dot
  bool left_over_ = false;
};

}  // namespace lugger
