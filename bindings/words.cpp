#include "bindings/words.hpp"

#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bindings/abi_cast.hpp"
#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_table.hpp"

namespace lugger {

void unknown_key(std::string_view holder, std::string_view key, Words known) {
  const std::string_view near = nearest(key, known);
  throw Error(Code::kConfig, fmt::format("{} does not know the key \"{}\"", holder, key),
              near.empty() ? fmt::format("it knows {}", fmt::join(known, ", "))
                           : fmt::format("did you mean {}?", near));
}

static constexpr std::array<std::string_view, 4> kJsonStyles = {"canonical", "relaxed", "plain",
                                                                "typed"};

JsonStyle json_style_named(std::string_view word) {
  return static_cast<JsonStyle>(choice("json", word, kJsonStyles));
}

static std::string value_text(lua_State* L, std::string_view key) {
  if (lua_type(L, -1) != LUA_TSTRING) {
    raise(Code::kConfig, "{} must be text, not a {}", key, luaL_typename(L, -1));
  }
  return to_text(L, -1);
}

static bool value_flag(lua_State* L, std::string_view key) {
  if (!lua_isboolean(L, -1))
    raise(Code::kConfig, "{} must be true or false, not a {}", key, luaL_typename(L, -1));
  return lua_toboolean(L, -1) != 0;
}

static char value_mark(lua_State* L, std::string_view key) {
  const std::string text = value_text(L, key);
  if (text.size() > 1) raise(Code::kConfig, "{} must be one character, not \"{}\"", key, text);
  return text.empty() ? '\0' : text[0];
}

static std::vector<std::string> value_list(lua_State* L, std::string_view key) {
  if (lua_type(L, -1) == LUA_TSTRING) return {to_text(L, -1)};
  if (!lua_istable(L, -1))
    raise(Code::kConfig, "{} must be a list of texts, not a {}", key, luaL_typename(L, -1));
  std::vector<std::string> out;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, -1, i);
    const bool end = lua_isnil(L, -1);
    if (!end) out.push_back(to_text(L, -1));
    lua_pop(L, 1);
    if (end) return out;
  }
}

static constexpr std::array<std::string_view, 3> kFractions = {"reject", "round", "truncate"};
static constexpr std::array<std::string_view, 3> kNonFinite = {"reject", "null", "keep"};
static constexpr std::array<std::string_view, 3> kRanges = {"reject", "null", "infinity"};
static constexpr std::array<std::string_view, 4> kTexts = {"reject", "strip", "replace", "tag"};
static constexpr std::array<std::string_view, 4> kEpochs = {"none", "s", "ms", "us"};
static constexpr std::array<std::string_view, 4> kOldUuids = {"reject", "java", "csharp", "python"};
static constexpr std::array<std::string_view, 2> kIdStyles = {"safe", "plain"};

struct PolicyKey {
  std::string_view name;
  void (*read)(lua_State*, std::string_view, CoercePolicy&);
};

template <bool CoercePolicy::*Member>
void read_flag(lua_State* L, std::string_view key, CoercePolicy& policy) {
  policy.*Member = value_flag(L, key);
}
template <auto Member, const auto& kWords>
void read_choice(lua_State* L, std::string_view key, CoercePolicy& policy) {
  using Enum = std::remove_reference_t<decltype(policy.*Member)>;
  policy.*Member = static_cast<Enum>(choice(key, value_text(L, key), kWords));
}

static void read_id_text(lua_State* L, std::string_view key, CoercePolicy& policy) {
  if (lua_isboolean(L, -1)) return;  // true and false are the column's, not the policy's
  read_choice<&CoercePolicy::id_text, kIdStyles>(L, key, policy);
}

static constexpr PolicyKey kPolicyKeys[] = {
    {"strict", read_flag<&CoercePolicy::strict>},
    {"fraction", read_choice<&CoercePolicy::fraction, kFractions>},
    {"non_finite", read_choice<&CoercePolicy::non_finite, kNonFinite>},
    {"out_of_range", read_choice<&CoercePolicy::out_of_range, kRanges>},
    {"nul", read_choice<&CoercePolicy::nul, kTexts>},
    {"utf8", read_choice<&CoercePolicy::utf8, kTexts>},
    {"json", read_choice<&CoercePolicy::json, kJsonStyles>},
    {"json_null", read_flag<&CoercePolicy::json_null>},
    {"empty_null", read_flag<&CoercePolicy::empty_null>},
    {"trim", read_flag<&CoercePolicy::trim>},
    {"truncate", read_flag<&CoercePolicy::truncate>},
    {"decimal", [](lua_State* L, std::string_view key,
                   CoercePolicy& policy) { policy.number.decimal = value_mark(L, key); }},
    {"thousands", [](lua_State* L, std::string_view key,
                     CoercePolicy& policy) { policy.number.thousands = value_mark(L, key); }},
    {"epoch", read_choice<&CoercePolicy::epoch, kEpochs>},
    {"old_uuid", read_choice<&CoercePolicy::old_uuid, kOldUuids>},
    {"id_text", read_id_text},
    {"labels", [](lua_State* L, std::string_view key,
                  CoercePolicy& policy) { policy.labels = value_list(L, key); }},
};

template <size_t N>
static constexpr auto names_of(const PolicyKey (&keys)[N]) {
  std::array<std::string_view, N> names;
  for (size_t i = 0; i < N; ++i) names[i] = keys[i].name;
  return names;
}
static constexpr auto kPolicyNames = names_of(kPolicyKeys);

Words policy_keys() noexcept { return kPolicyNames; }

bool read_policy_key(lua_State* L, std::string_view key, CoercePolicy& policy) {
  for (const PolicyKey& known : kPolicyKeys) {
    if (known.name == key) {
      known.read(L, key, policy);
      return true;
    }
  }
  return false;
}

static constexpr std::array<std::string_view, 4> kOnErrors = {"reject", "null", "default", "error"};
static constexpr std::array<std::string_view, 7> kGenerates = {
    "none", "v5", "v7", "server", "parent_key", "ordinal", "constant"};
static constexpr std::array<std::string_view, 10> kColumnKeys = {
    "name", "type", "from", "required", "default", "on_error", "generate", "value", "ref", "fk"};

/// The key a table entry stands for: [1] is the name, [2] the type.
static std::string column_key(lua_State* L) {
  if (lua_type(L, -2) == LUA_TSTRING) return lua_tostring(L, -2);
  const lua_Number place = lua_tonumber(L, -2);
  return place == 1 ? "name" : place == 2 ? "type" : to_text(L, -2);
}

/// 'users', 'shop.users', or { collection =, database =, table =, column =, from_hex = }.
static Reference read_reference(lua_State* L) {
  static constexpr std::array<std::string_view, 5> kKeys = {"collection", "database", "table",
                                                            "column", "from_hex"};
  Reference ref;
  if (lua_type(L, -1) == LUA_TSTRING) {
    ref.collection = to_text(L, -1);
    const size_t dot = ref.collection.find('.');
    if (dot != std::string::npos) {
      ref.database = ref.collection.substr(0, dot);
      ref.collection.erase(0, dot + 1);
    }
  } else if (lua_istable(L, -1)) {
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      const std::string key = to_text(L, -2);
      if (key == "collection")
        ref.collection = value_text(L, key);
      else if (key == "database")
        ref.database = value_text(L, key);
      else if (key == "table")
        ref.table = value_text(L, key);
      else if (key == "column")
        ref.column = value_text(L, key);
      else if (key == "from_hex")
        ref.from_hex = value_flag(L, key);
      else
        unknown_key("ref", key, kKeys);
    }
  }
  if (ref.collection.empty())
    throw Error(Code::kConfig, "ref names no collection",
                "write ref = 'users', or ref = { collection = 'fs.files', table = 'files' }");
  return ref;
}

static std::shared_ptr<const Reference> with_foreign_key(
    const std::shared_ptr<const Reference>& ref) {
  if (!ref) {
    throw Error(Code::kConfig, "fk = true needs a ref",
                "write { 'author_id', 'uuid', from = 'author', ref = 'users', fk = true }");
  }
  Reference out = *ref;
  out.foreign_key = true;
  return std::make_shared<const Reference>(std::move(out));
}

/// The value at the top of the stack; nullopt: null.
static std::optional<Constant> read_constant(lua_State* L) {
  if (lua_type(L, -1) == LUA_TSTRING) return to_text(L, -1);
  Interpreter::of(L).require("lugger.inner.base.bson");
  lua_getfield(L, -1, "slot");
  lua_pushvalue(L, -3);
  call(L, 1, 2, Code::kConfig);  // the slot, and what holds its bytes
  const auto* slot = static_cast<const lug_value*>(lua_topointer(L, -2));
  std::optional<Constant> out;
  if (const Value& value = as_value(*slot); !value.absent()) out = Constant(value);
  lua_pop(L, 3);
  return out;
}

/// What a column's table says that the column itself does not hold as such.
struct ColumnFlags {
  bool id_text = true, foreign_key = false;
};

static void read_column_key(lua_State* L, const std::string& key, Column& column,
                            ColumnFlags& flags) {
  if (key == "name") {
    column.name = value_text(L, key);
  } else if (key == "type") {
    column.type = parse_column_type(value_text(L, key));
  } else if (key == "from") {
    column.from = value_text(L, key);
  } else if (key == "required") {
    column.required = value_flag(L, key);
  } else if (key == "default" || key == "value") {
    column.default_value = read_constant(L);
    if (key == "value") column.generate = Column::Generate::kConstant;
  } else if (key == "on_error") {
    column.on_error = static_cast<OnError>(choice(key, value_text(L, key), kOnErrors));
  } else if (key == "generate") {
    column.generate = static_cast<Column::Generate>(choice(key, value_text(L, key), kGenerates));
  } else if (key == "ref") {
    column.policy.ref = std::make_shared<const Reference>(read_reference(L));
  } else if (key == "fk") {
    flags.foreign_key = value_flag(L, key);
  } else if (read_policy_key(L, key, column.policy)) {
    if (key == "id_text" && lua_isboolean(L, -1)) flags.id_text = lua_toboolean(L, -1) != 0;
  } else {
    std::vector<std::string_view> known(kColumnKeys.begin(), kColumnKeys.end());
    known.insert(known.end(), kPolicyNames.begin(), kPolicyNames.end());
    unknown_key("a column", key, known);
  }
}

Column read_column(lua_State* L, int index) {
  index = absolute(L, index);
  if (!lua_istable(L, index)) {
    raise(Code::kConfig, "a column must be a table like {{ 'email', 'text' }}, not a {}",
          luaL_typename(L, index));
  }
  Column column;
  ColumnFlags flags;
  lua_rawgeti(L, index, 1);
  lua_getfield(L, index, "name");
  const std::string name = to_text(L, lua_isnil(L, -1) ? -2 : -1);
  lua_pop(L, 2);
  try {
    column.type = ColumnType{};
    bool typed = false;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
      const std::string key = column_key(L);
      typed = typed || key == "type";
      read_column_key(L, key, column, flags);
    }
    if (column.name.empty())
      throw Error(Code::kConfig, "a column has no name", "write { 'email', 'text' }");
    if (!typed)
      throw Error(Code::kConfig, "the column has no type",
                  fmt::format("write {{ '{}', 'text' }}", name));
    if (flags.foreign_key) column.policy.ref = with_foreign_key(column.policy.ref);
  } catch (Error& error) {
    error.note("column", name);
    throw;
  }
  if (column.from.empty() && column.generate == Column::Generate::kNone) column.from = column.name;
  column.id_text_column = flags.id_text && column.from == "_id" && column.type.kind == Kind::kText;
  return column;
}

Options read_options(lua_State* L, int index, std::string_view what) {
  Options options;
  if (lua_isnoneornil(L, index)) return options;
  index = absolute(L, index);
  if (!lua_istable(L, index))
    raise(Code::kConfig, "options of a {} must be a table, not a {}", what,
          luaL_typename(L, index));
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      raise(Code::kConfig, "options of a {} are named: key = value", what);
    std::string key = lua_tostring(L, -2);
    switch (lua_type(L, -1)) {
      case LUA_TBOOLEAN: options.set(std::move(key), lua_toboolean(L, -1) != 0); break;
      case LUA_TNUMBER:
        options.set(std::move(key), static_cast<double>(lua_tonumber(L, -1)));
        break;
      case LUA_TTABLE: {
        auto list = value_list(L, key);
        options.set(std::move(key), std::move(list));
        break;
      }
      default: options.set(std::move(key), to_text(L, -1));
    }
  }
  return options;
}

}  // namespace lugger
