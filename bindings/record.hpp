// A struct that is passed to Lua is declared once: the name of each field, its member, a line of
// documentation. The code that pushes it, the code that reads and checks it, and the annotations
// that `tools/records` writes all use this declaration:
//
//   static constexpr Field<Partition> kPartition[] = {
//       field<&Partition::id>("id"),
//       field<&Partition::bytes>("bytes", "of the source"),
//   };
//   Record<Partition> record_of(const Partition*) { return {"lugger.partition", "", kPartition}; }
//
// A header only needs to declare record_of; push(), set() and lists find it.
#pragma once
#include <array>
#include <functional>
#include <span>

#include "bindings/lua_table.hpp"

namespace lugger {

/// What annotations say about a field.
struct FieldText {
  std::string_view name;  // a literal, so it ends with NUL
  std::string_view about;
  std::string_view type;  // in LuaCATS; empty: derived from the C++ type
  std::string (*type_of)() = nullptr;

  std::string lua_type() const { return type.empty() ? type_of() : std::string(type); }
};

template <typename T>
struct Field : FieldText {
  /// Pushing nil leaves the field out of the table.
  void (*push)(lua_State*, const T&) = nullptr;
};

template <typename T>
struct Record {
  std::string_view name;  // of the class, "lugger.tally"
  std::string_view about;
  std::span<const Field<T>> fields;
};

template <typename T>
concept Declared = requires(const T* none) {
  record_of(none).fields;
};

/// The type as LuaCATS writes it.
template <typename T>
std::string lua_type_of() {
  if constexpr (std::is_same_v<T, bool>)
    return "boolean";
  else if constexpr (std::is_integral_v<T>)
    return "integer";
  else if constexpr (std::is_floating_point_v<T>)
    return "number";
  else if constexpr (std::is_convertible_v<T, std::string_view>)
    return "string";
  else if constexpr (requires(T may_lack) { *may_lack; })  // optionals and pointers
    return lua_type_of<std::remove_cvref_t<decltype(*std::declval<T>())>>() + "|nil";
  else if constexpr (requires { typename T::mapped_type; })
    return "table<string, " + lua_type_of<typename T::mapped_type>() + ">";
  else if constexpr (requires { typename T::value_type; })
    return lua_type_of<typename T::value_type>() + "[]";
  else
    return std::string(record_of(static_cast<const T*>(nullptr)).name);
}

template <const auto& Words>
std::string lua_type_of_words() {
  std::string out;
  for (const std::string_view word : Words)
    out.append(out.empty() ? "\"" : "|\"").append(word).append("\"");
  return out;
}

template <Declared T>
void push(lua_State* L, const T& value) {
  const Record<T> record = record_of(&value);
  luaL_checkstack(L, 4, "records");
  lua_createtable(L, 0, static_cast<int>(record.fields.size()));
  for (const Field<T>& field : record.fields) {
    field.push(L, value);
    lua_setfield(L, -2, field.name.data());
  }
}
/// nullptr is pushed as nil.
template <Declared T>
void push(lua_State* L, const T* value) {
  if (value != nullptr)
    push(L, *value);
  else
    lua_pushnil(L);
}

/// A field whose struct is not known yet: a member of a base class also belongs to derived structs.
template <auto Get>
struct FieldBy : FieldText {
  template <typename T>
  constexpr operator Field<T>() const {  // NOLINT: so that a list of fields names its struct once
    using Given = std::remove_cvref_t<std::invoke_result_t<decltype(Get), const T&>>;
    Field<T> out{*this};
    out.type_of = lua_type_of<Given>;
    out.push = [](lua_State* L, const T& of) { push(L, std::invoke(Get, of)); };
    return out;
  }
};

/// `Get` is a member, or a member function or lambda that computes the value. An empty optional
/// leaves the field out.
template <auto Get>
constexpr FieldBy<Get> field(std::string_view name, std::string_view about = {},
                             std::string_view type = {}) {
  return {{name, about, type, nullptr}};
}

template <auto Get, const auto& Words>
struct WordBy : FieldText {
  template <typename T>
  constexpr operator Field<T>() const {  // NOLINT: as above
    Field<T> out{*this};
    out.type_of = lua_type_of_words<Words>;
    out.push = [](lua_State* L, const T& of) {
      push(L, Words[static_cast<size_t>(std::invoke(Get, of))]);
    };
    return out;
  }
};

/// For a field that is left out when it has its default value.
template <typename Value>
std::optional<Value> when(bool says_something, const Value& value) {
  return says_something ? std::optional<Value>(value) : std::nullopt;
}

/// An enum that counts from 0, by its words.
template <auto Get, const auto& Words>
constexpr WordBy<Get, Words> word_field(std::string_view name, std::string_view about = {}) {
  return {{name, about, {}, nullptr}};
}

/// A declaration without its struct type, as tools/records prints it.
struct RecordText {
  std::string_view name;
  std::string_view about;
  std::vector<FieldText> fields;
};
Record<FieldText> record_of(const FieldText*);
Record<RecordText> record_of(const RecordText*);

template <Declared T>
RecordText text_of_record() {
  const Record<T> record = record_of(static_cast<const T*>(nullptr));
  return {record.name, record.about, {record.fields.begin(), record.fields.end()}};
}

}  // namespace lugger
