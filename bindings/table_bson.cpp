#include "bindings/table_bson.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "bindings/lua_table.hpp"

namespace lugger {

namespace {

constexpr int kDeepest = 190;
constexpr double kExact = 9007199254740992;  // 2^53
/// Larger than any json column takes, and far from where sizes overflow.
constexpr size_t kMostBytes = size_t{1} << 30;
constexpr size_t kKeptBytes = size_t{1} << 20;
constexpr double kMostElements = 1e8;
/// Of Lua's stack, for one level.
constexpr int kSlots = 24;

std::string_view string_at(lua_State* L, int index) {
  size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return {text, size};
}

/// Leaves the field on the stack; its type.
int raw_field(lua_State* L, int table, std::string_view name) {
  push(L, name);
  lua_rawget(L, table);
  return lua_type(L, -1);
}

bool is_whole(double number) noexcept {
  return number == std::floor(number) && std::abs(number) <= kExact;
}

}  // namespace

/// What a table's metatable says: stack indexes, 0 when it says nothing.
struct TableBson::Marks {
  bool array = false;
  bool plain = false;  // it has no metatable
  bool own = false;    // it says itself what it is stored as: `lugger_bson`
  int order = 0, types = 0;
  int common = 0;  // the hidden type of all elements

  Marks(lua_State* L, int index) {
    if (lua_getmetatable(L, index) == 0) {
      array = lua_objlen(L, index) > 0;
      plain = true;
      return;
    }
    const int meta = lua_gettop(L);
    if (raw_field(L, meta, "lugger_mark") == LUA_TSTRING) {
      array = string_at(L, -1) == "array";
    } else {
      array = lua_objlen(L, index) > 0;
    }
    own = raw_field(L, meta, "lugger_bson") != LUA_TNIL;
    if (raw_field(L, meta, "lugger_order") == LUA_TTABLE) order = lua_gettop(L);
    if (raw_field(L, meta, "lugger_types") == LUA_TTABLE) types = lua_gettop(L);
    if (types != 0 && raw_field(L, meta, "lugger_element") == LUA_TNUMBER)
      common = static_cast<int>(lua_tointeger(L, -1));
  }

  /// The type that the value under the key at the top of the stack is stored with; 0: not said.
  int hidden(lua_State* L) const {
    if (types == 0) return 0;
    if (common != 0) return common;
    lua_pushvalue(L, -1);
    lua_rawget(L, types);
    const int type = static_cast<int>(lua_tointeger(L, -1));
    lua_pop(L, 1);
    return type;
  }
};

static bool is_empty(lua_State* L, int index) {
  lua_pushnil(L);
  if (lua_next(L, index) == 0) return true;
  lua_pop(L, 2);
  return false;
}

void TableBson::begin(lua_State* L, int foreign, const void* remove) noexcept {
  if (out_.capacity() > kKeptBytes) out_ = ByteBuffer();
  L_ = L;
  foreign_ = foreign;
  remove_ = remove;
  out_.clear();
  writer_.reset();
  fields_.clear();
}

bool TableBson::table(int index) {
  const int top = lua_gettop(L_);
  luaL_checkstack(L_, kSlots, "tables");
  index = absolute(L_, index);
  const Marks marks(L_, index);
  if (marks.own) {
    plain(index);
    const bool array = table(lua_gettop(L_));
    lua_settop(L_, top);
    return array;
  }
  marks.array ? writer_.begin_array() : writer_.begin_document();
  body(index, marks, 0);
  writer_.end();
  lua_settop(L_, top);
  return marks.array;
}

void TableBson::fields(int names, int values) {
  luaL_checkstack(L_, kSlots, "tables");
  writer_.begin_document();
  for (int i = 1;; ++i) {
    lua_rawgeti(L_, names, i);
    if (lua_type(L_, -1) != LUA_TSTRING) break;
    lua_rawgeti(L_, values, i);
    element(string_at(L_, -2), 0, 0);
    lua_pop(L_, 2);
  }
  lua_pop(L_, 1);
  writer_.end();
}

std::vector<std::string_view> TableBson::names(int index) {
  const Marks marks(L_, index);
  collect(index, marks);
  std::vector<std::string_view> out;
  for (const Field& field : fields_) out.push_back(field.name);
  return out;
}

void TableBson::body(int index, const Marks& marks, int depth) {
  if (depth > kDeepest) {
    throw TableRefused{fmt::format(
        "a document or a table is nested deeper than {} levels, or a table holds itself",
        kDeepest)};
  }
  if (out_.size() > kMostBytes) throw TableRefused{"a table is larger than a document can be"};
  marks.array ? elements(index, marks, depth) : document(index, marks, depth);
}

/// The greatest key of a list.
static int last_element(lua_State* L, int index) {
  double last = 0;
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    if (!is_whole(key) || key < 1)
      throw TableRefused{fmt::format("a list also has the key \"{}\"", to_text(L, -2))};
    last = std::max(last, key);
  }
  if (last > kMostElements) throw TableRefused{fmt::format("a list has an element {:.0f}", last)};
  return static_cast<int>(last);
}

void TableBson::elements(int index, const Marks& marks, int depth) {
  const int last = last_element(L_, index);
  char digits[12];
  for (int i = 1; i <= last; ++i) {
    const auto end = std::to_chars(digits, digits + sizeof digits, i - 1).ptr;
    lua_pushinteger(L_, i);
    const int hidden = marks.hidden(L_);
    lua_rawget(L_, index);
    element({digits, static_cast<size_t>(end - digits)}, hidden, depth);
    lua_pop(L_, 1);
  }
}

void TableBson::document(int index, const Marks& marks, int depth) {
  const size_t from = fields_.size();
  collect(index, marks);
  for (size_t at = from; at < fields_.size(); ++at) {
    const std::string_view name = fields_[at].name;
    push(L_, name);
    const int hidden = marks.hidden(L_);
    lua_rawget(L_, index);
    element(name, hidden, depth);
    lua_pop(L_, 1);
  }
  fields_.resize(from);
}

/// Appends the table's fields to fields_, in the order in which they are stored.
void TableBson::collect(int index, const Marks& marks) {
  const size_t from = fields_.size();
  for (lua_pushnil(L_); lua_next(L_, index) != 0; lua_pop(L_, 1)) {
    if (lua_type(L_, -2) != LUA_TSTRING) {
      throw TableRefused{fmt::format("a document has a key that is a {}", luaL_typename(L_, -2))};
    }
    fields_.push_back({string_at(L_, -2), INT32_MAX});
  }
  const auto first = fields_.begin() + static_cast<ptrdiff_t>(from);
  if (marks.order != 0) rank(marks.order, {first, fields_.end()});
  std::sort(first, fields_.end());
}

void TableBson::rank(int order, std::span<Field> fields) {
  ranks_.clear();
  for (int i = 1;; ++i) {
    lua_rawgeti(L_, order, i);
    const bool end = lua_type(L_, -1) != LUA_TSTRING;
    if (!end) ranks_.emplace_back(lua_tostring(L_, -1), i);
    lua_pop(L_, 1);
    if (end) break;
  }
  std::sort(ranks_.begin(), ranks_.end());
  for (Field& field : fields) {
    const auto at = std::lower_bound(ranks_.begin(), ranks_.end(), std::pair{field.name.data(), 0});
    if (at != ranks_.end() && at->first == field.name.data()) field.rank = at->second;
  }
}

void TableBson::number(std::string_view name, double number, int hidden) {
  const auto type = static_cast<ValueType>(hidden);
  const bool whole = is_whole(number) && (number != 0 || !std::signbit(number));
  const bool fits = whole && number >= INT32_MIN && number <= INT32_MAX;
  if (type == ValueType::kInt64 && is_whole(number)) {
    writer_.append(name, Value::of(ValueType::kInt64, static_cast<int64_t>(number)));
  } else if (whole && type != ValueType::kDouble) {
    writer_.append(name, Value::of(fits ? ValueType::kInt32 : ValueType::kInt64,
                                   static_cast<int64_t>(number)));
  } else {
    // NaN always has the same bits, whatever 0/0 gives on this machine.
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    writer_.append(name, Value::of_double(std::isnan(number) ? kNan : number));
  }
}

/// The value at the top of the stack.
void TableBson::element(std::string_view name, int hidden, int depth) {
  if (name.find('\0') != name.npos) throw TableRefused{"the name of a field holds a NUL byte"};
  switch (lua_type(L_, -1)) {
    case LUA_TSTRING: return writer_.append(name, Value::of(ValueType::kString, string_at(L_, -1)));
    case LUA_TNUMBER: return number(name, lua_tonumber(L_, -1), hidden);
    case LUA_TBOOLEAN:
      return writer_.append(name, Value::of(ValueType::kBool, lua_toboolean(L_, -1)));
    case LUA_TTABLE: return nested(name, hidden, depth);
    case LUA_TNIL: return writer_.append(name, Value::null());  // a hole in a list
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L_, -1) == nullptr) {
        const bool undefined = static_cast<ValueType>(hidden) == ValueType::kUndefined;
        return writer_.append(name,
                              undefined ? Value::of(ValueType::kUndefined, 0) : Value::null());
      }
      break;
    default: break;
  }
  foreign(name, depth);
}

/// The table at the top of the stack.
void TableBson::nested(std::string_view name, int hidden, int depth) {
  const int top = lua_gettop(L_);
  luaL_checkstack(L_, kSlots, "tables");
  Marks marks(L_, top);
  if (marks.own || lua_topointer(L_, top) == remove_) {
    lua_settop(L_, top);
    return foreign(name, depth);
  }
  // In the place of an array, {} is an array.
  if (marks.plain && static_cast<ValueType>(hidden) == ValueType::kArray && is_empty(L_, top))
    marks.array = true;
  marks.array ? writer_.begin_array(name) : writer_.begin_document(name);
  body(top, marks, depth + 1);
  writer_.end();
  lua_settop(L_, top);
}

/// The value at the top of the stack is for Lua to say.
void TableBson::foreign(std::string_view name, int depth) {
  const int top = lua_gettop(L_);
  luaL_checkstack(L_, kSlots, "tables");
  lua_pushvalue(L_, foreign_);
  lua_pushvalue(L_, top);
  lua_call(L_, 1, 2);
  if (lua_isnumber(L_, -2)) {
    const std::string_view payload = string_at(L_, -1);
    writer_.append_raw(name, static_cast<uint8_t>(lua_tointeger(L_, -2)), as_bytes(payload));
  } else {
    element(name, 0, depth);
  }
  lua_settop(L_, top);
}

/// Puts the plain table that Lua gives for the one at the index on the stack.
void TableBson::plain(int index) {
  lua_pushvalue(L_, foreign_);
  lua_pushvalue(L_, index);
  lua_call(L_, 1, 2);
  if (!lua_istable(L_, -1)) throw TableRefused{"this value is no document, but can be part of one"};
}

}  // namespace lugger
