// native.shared(table, describe): a table for all Lua states, made of a Lua table.
#include <cmath>
#include <memory>
#include <unordered_map>

#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/shared_table.hpp"
#include "value/type.hpp"

namespace lugger {

namespace {

struct Release {
  void operator()(SharedRoot* root) const noexcept { root->release(); }
};

class SharedMaker {
 public:
  /// `describe` is the stack index of a function that gives the slot of a value that Lua itself
  /// does not have, and what keeps its bytes; a table, and what its metatable says; or nil and what
  /// the value is called.
  SharedMaker(lua_State* L, int describe) : L_(L), describe_(describe), root_(new SharedRoot) {}

  /// The table at the top of the stack, which is popped; the caller has its use.
  const SharedTable* make() {
    const SharedTable* table = table_value();
    root_.release();
    return table;
  }

 private:
  static constexpr size_t kDepth = 100;

  [[noreturn]] void refuse(std::string_view what) {
    std::string path;
    for (const int key : keys_) {
      const bool named = lua_type(L_, key) == LUA_TSTRING;
      path += named ? fmt::format("{}{}", path.empty() ? "" : ".", lua_tostring(L_, key))
                    : fmt::format("[{}]", to_text(L_, key));
    }
    throw Error(
        Code::kConfig,
        fmt::format("lugger.shared cannot hold {}{}{}", what, path.empty() ? "" : " at ", path),
        "it holds tables, text, numbers, booleans, lugger.null and values of documents; keys are "
        "text, "
        "numbers and booleans: lugger.key(value) makes one");
  }

  SharedTable* nested() {
    if (keys_.size() >= kDepth) refuse("a table that is nested deeper than 100, or holds itself,");
    luaL_checkstack(L_, 10, "lugger.shared");
    const int table = lua_gettop(L_);
    uint32_t length = 0, count = 0;
    for (bool more = true; more; lua_pop(L_, 1)) {
      lua_rawgeti(L_, table, static_cast<int>(length) + 1);
      more = !lua_isnil(L_, -1);
      length += more ? 1 : 0;
    }
    for (lua_pushnil(L_); lua_next(L_, table) != 0; lua_pop(L_, 1)) ++count;
    SharedTable* out = root_->make(length, count - length);
    for (lua_pushnil(L_); lua_next(L_, table) != 0;) {
      keys_.push_back(table + 1);
      const uint32_t place = element(length);
      set_value(place == 0 ? out->add(key()) : out->element(place));
      keys_.pop_back();
    }
    lua_pop(L_, 1);
    return out;
  }

  /// The place in the list that the key below the top is; 0: none.
  uint32_t element(uint32_t length) const {
    if (lua_type(L_, -2) != LUA_TNUMBER) return 0;
    const double key = lua_tonumber(L_, -2);
    return key >= 1 && key <= length && key == std::floor(key) ? static_cast<uint32_t>(key) : 0;
  }

  void set_text(lug_value& out, int index, bool kept) {
    size_t size = 0;
    const char* text = lua_tolstring(L_, index, &size);
    if (size > UINT32_MAX) refuse("a text of more than 4 GB");
    out.type = static_cast<uint8_t>(ValueType::kString);
    out.size = static_cast<uint32_t>(size);
    const uint8_t*& known = kept ? texts_[text] : out.data;
    if (!kept || known == nullptr)
      known = reinterpret_cast<const uint8_t*>(root_->copy({text, size}).data());
    out.data = known;
  }

  lug_value key() {
    lug_value out{};
    switch (lua_type(L_, -2)) {
      case LUA_TSTRING: set_text(out, -2, keys_.size() > 1); break;
      case LUA_TNUMBER:
        out.type = static_cast<uint8_t>(ValueType::kDouble);
        out.f64 = lua_tonumber(L_, -2);
        break;
      case LUA_TBOOLEAN:
        out.type = static_cast<uint8_t>(ValueType::kBool);
        out.i64 = lua_toboolean(L_, -2);
        break;
      default: refuse(fmt::format("a key that is a {}", luaL_typename(L_, -2)));
    }
    return out;
  }

  /// Takes the value from the stack.
  void set_value(lug_value& out) {
    switch (lua_type(L_, -1)) {
      case LUA_TSTRING: set_text(out, -1, false); break;
      case LUA_TNUMBER:
        out.type = static_cast<uint8_t>(ValueType::kDouble);
        out.f64 = lua_tonumber(L_, -1);
        break;
      case LUA_TBOOLEAN:
        out.type = static_cast<uint8_t>(ValueType::kBool);
        out.i64 = lua_toboolean(L_, -1);
        break;
      case LUA_TTABLE:
        out.type = SharedTable::kNested;
        out.data = reinterpret_cast<const uint8_t*>(table_value());
        return;
      default: return set_other(out);
    }
    lua_pop(L_, 1);
  }

  /// Takes the table from the stack. Of one with a metatable `describe` says what that means, and
  /// completes the rows of a query.
  SharedTable* table_value() {
    if (lua_getmetatable(L_, -1) == 0) return nested();
    lua_pop(L_, 1);
    describe();
    const lug_value about = about_value();
    lua_pop(L_, 2);
    SharedTable* table = nested();
    table->set_about(about);
    return table;
  }

  /// The text at the top, kept once: many tables say the same.
  lug_value about_value() {
    lug_value out{};
    size_t size = 0;
    const char* text = lua_tolstring(L_, -1, &size);
    if (text == nullptr) return out;
    std::string_view& kept = abouts_[std::string(text, size)];
    if (kept.empty()) kept = root_->copy({text, size});
    out.type = static_cast<uint8_t>(ValueType::kString);
    out.size = static_cast<uint32_t>(size);
    out.data = reinterpret_cast<const uint8_t*>(kept.data());
    return out;
  }

  /// Calls `describe` with the value at the top; refuses what it refuses. Leaves its two results.
  void describe() {
    lua_pushvalue(L_, describe_);
    lua_pushvalue(L_, -2);
    call(L_, 1, 2, Code::kConfig);
    if (lua_isnil(L_, -2)) refuse(to_text(L_, -1));
  }

  void set_other(lug_value& out) {
    if (lua_islightuserdata(L_, -1) && lua_touserdata(L_, -1) == nullptr) {
      out.type = static_cast<uint8_t>(ValueType::kNull);
      lua_pop(L_, 1);
      return;
    }
    describe();
    out = *static_cast<const lug_value*>(lua_topointer(L_, -2));
    if (out.size != 0) {
      const std::string_view bytes(reinterpret_cast<const char*>(out.data), out.size);
      out.data = reinterpret_cast<const uint8_t*>(root_->copy(bytes).data());
    }
    lua_pop(L_, 3);
  }

  lua_State* L_;
  int describe_;
  std::unique_ptr<SharedRoot, Release> root_;
  std::vector<int> keys_;  // stack indices of the keys on the way to the value
  std::unordered_map<const char*, const uint8_t*> texts_;  // keys of inner tables, kept once
  std::unordered_map<std::string, std::string_view> abouts_;
};

}  // namespace

static int make_shared(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_pushvalue(L, 1);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): Lua has no pointer to const
  lua_pushlightuserdata(L, const_cast<SharedTable*>(SharedMaker(L, 2).make()));
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"shared", guarded<make_shared>},
    {nullptr, nullptr},
};

void open_shared(lua_State* L) { add_functions(L, kFunctions); }

}  // namespace lugger
