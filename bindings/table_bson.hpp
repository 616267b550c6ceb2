// Lua tables as BSON: what a hook stores in a json column, rows of tasks, arguments of lugger.json.
#pragma once
#include <lua.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "value/bson_writer.hpp"

namespace lugger {

/// What cannot be part of a document. stdlib/inner/base/bson.lua raises it with the script's line.
struct TableRefused {
  std::string message;
};

/// Writes tables of one Lua state. Fields come in the order of their mark
/// (stdlib/inner/base/marks.lua), the others by name; a list without a mark is an array. Tables
/// with a `lugger_bson` (rows of SQL) and whatever Lua's types do not hold are left to a Lua
/// function: `foreign(v)` gives the type byte and payload of an element, or nil and a plain value.
class TableBson {
 public:
  /// Before anything else, and for every call from Lua: `foreign` is the function's index, `remove`
  /// is lugger.remove. Forgets what was written.
  void begin(lua_State* L, int foreign, const void* remove) noexcept;
  std::string_view text() const noexcept { return out_.text(); }

  /// Writes the table at the index; true: it is an array.
  bool table(int index);
  /// Writes a document of the names and values of two lists, at absolute indexes.
  void fields(int names, int values);
  /// The names of a table's fields in the order in which they are stored.
  std::vector<std::string_view> names(int index);

 private:
  struct Marks;
  struct Field {
    std::string_view name;
    int rank;  // in the order of the mark
    bool operator<(const Field& other) const noexcept {
      return rank != other.rank ? rank < other.rank : name < other.name;
    }
  };

  void body(int index, const Marks& marks, int depth);
  void elements(int index, const Marks& marks, int depth);
  void document(int index, const Marks& marks, int depth);
  void element(std::string_view name, int hidden, int depth);
  void nested(std::string_view name, int hidden, int depth);
  void number(std::string_view name, double number, int hidden);
  void foreign(std::string_view name, int depth);
  void plain(int index);
  void collect(int index, const Marks& marks);
  void rank(int order, std::span<Field> fields);

  lua_State* L_ = nullptr;
  int foreign_ = 0;
  const void* remove_ = nullptr;
  ByteBuffer out_;
  BsonWriter writer_{out_};
  std::vector<Field> fields_;  // of all tables under way, the innermost last
  std::vector<std::pair<const char*, int>> ranks_;
};

}  // namespace lugger
