#include "bindings/words.hpp"

#include <array>

#include "base/error.hpp"
#include "bindings/abi_cast.hpp"
#include "bindings/embedder.hpp"
#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_table.hpp"

namespace lugger {

static constexpr std::array<std::string_view, 4> kJsonStyles = {"canonical", "relaxed", "plain",
                                                                "typed"};

JsonStyle json_style_named(std::string_view word) {
  return static_cast<JsonStyle>(choice("json", word, kJsonStyles));
}

static char mark_value(lua_State* L, std::string_view key) {
  const std::string text = text_value(L, key);
  if (text.size() > 1) raise(Code::kConfig, "{} must be one character, not \"{}\"", key, text);
  return text.empty() ? '\0' : text[0];
}

static constexpr std::array<std::string_view, 3> kFractions = {"reject", "round", "truncate"};
static constexpr std::array<std::string_view, 3> kNonFinite = {"reject", "null", "keep"};
static constexpr std::array<std::string_view, 2> kZeros = {"keep", "reject"};
static constexpr std::array<std::string_view, 3> kRanges = {"reject", "null", "infinity"};
static constexpr std::array<std::string_view, 4> kTexts = {"reject", "strip", "replace", "tag"};
static constexpr std::array<std::string_view, 4> kEpochs = {"none", "s", "ms", "us"};
static constexpr std::array<std::string_view, 4> kOldUuids = {"reject", "java", "csharp", "python"};
static constexpr std::array<std::string_view, 2> kIdStyles = {"safe", "plain"};

static void read_id_text(lua_State* L, std::string_view key, CoercePolicy& policy) {
  if (lua_isboolean(L, -1)) return;  // true and false set a key of the column, not of the policy
  policy.id_text = enum_of<IdStyle>(key, text_value(L, key), kIdStyles);
}

static constexpr Reader<CoercePolicy> kPolicy[] = {
    reader<&CoercePolicy::strict>("strict"),
    word_reader<kFractions, &CoercePolicy::fraction>("fraction"),
    word_reader<kNonFinite, &CoercePolicy::non_finite>("non_finite"),
    word_reader<kZeros, &CoercePolicy::zero>("zero"),
    word_reader<kRanges, &CoercePolicy::out_of_range>("out_of_range"),
    word_reader<kTexts, &CoercePolicy::nul>("nul"),
    word_reader<kTexts, &CoercePolicy::utf8>("utf8"),
    word_reader<kJsonStyles, &CoercePolicy::json>("json"),
    reader<&CoercePolicy::json_null>("json_null"),
    reader<&CoercePolicy::json_text>("json_text"),
    reader<&CoercePolicy::empty_null>("empty_null"),
    reader<&CoercePolicy::normalised>("normalised"),
    reader<&CoercePolicy::trim>("trim"),
    reader<&CoercePolicy::truncate>("truncate"),
    {"decimal", [](lua_State* L, std::string_view key,
                   CoercePolicy& policy) { policy.number.decimal = mark_value(L, key); }},
    {"thousands", [](lua_State* L, std::string_view key,
                     CoercePolicy& policy) { policy.number.thousands = mark_value(L, key); }},
    word_reader<kEpochs, &CoercePolicy::epoch>("epoch"),
    word_reader<kOldUuids, &CoercePolicy::old_uuid>("old_uuid"),
    {"id_text", read_id_text},
    reader<&CoercePolicy::labels>("labels"),
};
static constexpr auto kPolicyNames = names_of(kPolicy);

Words policy_keys() noexcept { return kPolicyNames; }

bool read_policy_key(lua_State* L, std::string_view key, CoercePolicy& policy) {
  return read_key(L, key, kPolicy, policy);
}

static constexpr std::array<std::string_view, 4> kOnErrors = {"reject", "null", "default", "error"};
static constexpr std::array<std::string_view, 8> kGenerates = {
    "none", "v5", "v7", "server", "parent_key", "ordinal", "constant", "entry"};

/// The key of a table entry: [1] is the name, [2] the type.
static std::string column_key(lua_State* L) {
  if (lua_type(L, -2) == LUA_TSTRING) return lua_tostring(L, -2);
  const lua_Number place = lua_tonumber(L, -2);
  return place == 1 ? "name" : place == 2 ? "type" : to_text(L, -2);
}

/// 'users', 'shop.users', or { collection =, database =, table =, column =, from_hex = }.
static Reference read_reference(lua_State* L) {
  static constexpr Reader<Reference> kReaders[] = {
      reader<&Reference::collection>("collection"), reader<&Reference::database>("database"),
      reader<&Reference::table>("table"),           reader<&Reference::column>("column"),
      reader<&Reference::from_hex>("from_hex"),
  };
  Reference ref;
  if (lua_type(L, -1) == LUA_TSTRING) {
    ref.collection = to_text(L, -1);
    const size_t dot = ref.collection.find('.');
    if (dot != std::string::npos) {
      ref.database = ref.collection.substr(0, dot);
      ref.collection.erase(0, dot + 1);
    }
  } else if (lua_istable(L, -1)) {
    read_table(L, -1, "ref", kReaders, ref);
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
  call(L, 1, 2, Code::kConfig);  // returns the slot and the object that owns its bytes
  const auto* slot = static_cast<const lug_value*>(lua_topointer(L, -2));
  std::optional<Constant> out;
  if (const Value& value = as_value(*slot); !value.absent()) out = Constant(value);
  lua_pop(L, 3);
  return out;
}

/// A column, and the keys of its table that have no place in Column.
struct ColumnTable {
  Column column;
  bool typed = false, id_text = true, foreign_key = false;
};

static constexpr Reader<ColumnTable> kColumn[] = {
    reader<&ColumnTable::column, &Column::name>("name"),
    {"type",
     [](lua_State* L, std::string_view key, ColumnTable& out) {
       out.column.type = parse_column_type(text_value(L, key));
       out.typed = true;
     }},
    reader<&ColumnTable::column, &Column::from>("from"),
    reader<&ColumnTable::column, &Column::required>("required"),
    reader<&ColumnTable::column, &Column::computed>("computed"),
    {"default", [](lua_State* L, std::string_view,
                   ColumnTable& out) { out.column.default_value = read_constant(L); }},
    word_reader<kOnErrors, &ColumnTable::column, &Column::on_error>("on_error"),
    word_reader<kGenerates, &ColumnTable::column, &Column::generate>("generate"),
    {"value",
     [](lua_State* L, std::string_view, ColumnTable& out) {
       out.column.default_value = read_constant(L);
       out.column.generate = Column::Generate::kConstant;
     }},
    {"ref",
     [](lua_State* L, std::string_view, ColumnTable& out) {
       out.column.policy.ref = std::make_shared<const Reference>(read_reference(L));
     }},
    reader<&ColumnTable::foreign_key>("fk"),
    {"embed",
     [](lua_State* L, std::string_view, ColumnTable& out) {
       if (!lua_istable(L, -1))
         raise(Code::kConfig, "embed: only the columns of lugger.copy have a model");
       out.column.embed = std::make_shared<const EmbedSettings>(read_embed_settings(L, -1));
       out.column.policy.zero = CoercePolicy::Zero::kReject;
     }},
};

static void read_column_key(lua_State* L, const std::string& key, ColumnTable& out) {
  if (read_key(L, key, kColumn, out)) return;
  if (read_policy_key(L, key, out.column.policy)) {
    if (key == "id_text" && lua_isboolean(L, -1)) out.id_text = lua_toboolean(L, -1) != 0;
    return;
  }
  static constexpr auto kNames = names_of(kColumn);
  std::vector<std::string_view> known(kNames.begin(), kNames.end());
  known.insert(known.end(), kPolicyNames.begin(), kPolicyNames.end());
  unknown_key("a column", key, known);
}

/// A column that makes its value itself reads no field; that of 'v5' is made of the `_id`.
static void check_generated(const Column& column) {
  if (column.from.empty() || column.generate == Column::Generate::kNone) return;
  if (column.generate == Column::Generate::kConstant)
    throw Error(Code::kConfig,
                fmt::format("value is the same in every row: from = '{}' is not read", column.from),
                "leave out one of them; a value for what is missing is `default`");
  if (column.generate == Column::Generate::kV5 && column.from == "_id") return;
  const std::string_view word = kGenerates[static_cast<size_t>(column.generate)];
  throw Error(
      Code::kConfig,
      fmt::format("generate = '{}' reads {}: from = '{}' is not read", word,
                  column.generate == Column::Generate::kV5 ? "the `_id`" : "no field", column.from),
      fmt::format("leave out `from`, or `generate`: {{ '{}', '{}', from = '{}' }}; an id "
                  "made of another field is computed in `map`",
                  column.name, column.type.sql, column.from));
}

Column read_column(lua_State* L, int index) {
  index = absolute(L, index);
  if (!lua_istable(L, index)) {
    raise(Code::kConfig, "a column must be a table like {{ 'email', 'text' }}, not a {}",
          luaL_typename(L, index));
  }
  ColumnTable table;
  Column& column = table.column;
  lua_rawgeti(L, index, 1);
  lua_getfield(L, index, "name");
  const std::string name = to_text(L, lua_isnil(L, -1) ? -2 : -1);
  lua_pop(L, 2);
  try {
    column.type = ColumnType{};
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
      read_column_key(L, column_key(L), table);
    if (column.name.empty())
      throw Error(Code::kConfig, "a column has no name", "write { 'email', 'text' }");
    if (!table.typed)
      throw Error(Code::kConfig, "the column has no type",
                  fmt::format("write {{ '{}', 'text' }}", name));
    if (column.computed && (!column.from.empty() || column.generate != Column::Generate::kNone)) {
      throw Error(Code::kConfig, "a computed column gets its value from `map` alone",
                  "leave out `from`, `generate` and `value`, or `computed`");
    }
    check_generated(column);
    if (table.foreign_key) column.policy.ref = with_foreign_key(column.policy.ref);
  } catch (Error& error) {
    error.note("column", name);
    throw;
  }
  if (column.from.empty() && column.generate == Column::Generate::kNone && !column.computed)
    column.from = column.name;
  column.id_text_column = table.id_text && column.from == "_id" && column.type.kind == Kind::kText;
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
        auto list = list_value(L, key);
        options.set(std::move(key), std::move(list));
        break;
      }
      default: options.set(std::move(key), to_text(L, -1));
    }
  }
  return options;
}

}  // namespace lugger
