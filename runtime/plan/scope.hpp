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

  /// kNone, kMalformed, or kNoFields when an element has no fields but the columns need them.
  /// `number` tells documents apart: what no column takes is counted once a document.
  Failure read(const Document& document, uint64_t number, Arena& arena);
  Failure read(const Value& element, uint64_t number, Arena& arena);
  /// A document once more, of which nothing is counted again.
  Failure read_again(const Document& document, Arena& arena);

  const Value& column(size_t i) const noexcept { return raw_[i]; }
  const Value& array(size_t i) const noexcept { return raw_[columns_ + i]; }
  const Value& route() const noexcept { return raw_.back(); }

  /// Paths nobody took in what was read last? For Unmapped::kError.
  bool left_over() const noexcept { return left_over_; }
  /// Of the paths that columns and child tables look for: which no document has had yet, by the
  /// number of the column, or of the array behind the columns.
  const std::vector<size_t>& unmet() const noexcept { return unmet_; }
  bool was_read() const noexcept { return was_read_; }
  /// Adds "prefix + path" -> documents that have it.
  void unmapped(const std::string& prefix, std::map<std::string, uint64_t>& out) const;

 private:
  /// What becomes of a value that is met on the way. kOpen: nobody takes it. kUsed: something is
  /// made of it (a version 5 id), or `.` has it, and from = '*' is to have it too. kTaken: a column
  /// or a child table has it, with all that lies in it.
  enum class Taken : uint8_t { kOpen, kUsed, kTaken };
  struct Stray {
    std::string path;
    uint64_t documents, last;  // how many have it; number of the last one
  };
  void add_paths(const TablePlan& table, const std::vector<std::string>& arrays,
                 const std::string& route);
  void start() noexcept;
  void meet() noexcept;
  Failure read_bson(Bytes document, Arena& arena);
  Failure read_row(const Document& document, Arena& arena);
  /// False: json that cannot be read, or in which a name came twice (doubled_).
  bool walk_row(const Document& document, bool last_names, Arena& arena);
  bool open_field(size_t node, const RowShape::Field& field, const Value& value, bool last_names,
                  Arena& arena);
  bool enter_opened(size_t node, const Value& value, Taken taken, Arena& arena);
  bool walk_all(Bytes document, Arena& arena);
  /// False: the bytes are not valid, or a name came twice (doubled_).
  bool walk(size_t node, Bytes document, ArenaWriter* rest, Taken taken);
  bool enter(size_t node, std::string_view name, const Value& value, Bytes element,
             ArenaWriter* rest, Taken taken);
  bool enter_partly(size_t node, std::string_view name, const Value& value, Bytes element,
                    ArenaWriter& rest, Taken taken);
  void keep_last(size_t node, Bytes document, ArenaWriter& out) const;
  void take(const PathTrie::Node& node, const Value& value);
  void stray(size_t node, std::string_view name);
  void count(Stray& stray) const noexcept;

  PathTrie trie_;
  size_t columns_, rest_column_, whole_column_;
  std::vector<size_t> element_columns_;  // from = "."
  std::vector<Value> raw_;               // columns, arrays, route
  std::vector<size_t> unmet_;
  std::vector<Taken> taken_;     // of each node
  std::vector<bool> opened_;     // of each node: a path leads into it, or rows are made of it
  std::vector<uint64_t> walks_;  // of each node: the walk that met it last
  uint64_t walk_ = 0, number_ = 0;
  std::vector<std::vector<Stray>> strays_;  // one list a node
  std::vector<size_t> stray_hints_;
  std::vector<std::string> prefixes_;  // dotted path of each node, with the final dot
  bool left_over_ = false, doubled_ = false, counting_ = true, was_read_ = false;
};

}  // namespace lugger
