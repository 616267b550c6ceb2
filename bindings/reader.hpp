// Reads tables from scripts into structs. Each key is declared once, together with the function
// that reads its value:
//
//   static constexpr Reader<Route> kRoute[] = {
//       reader<&Route::from>("from"),
//       {"tables", read_tables},
//   };
//   read_table(L, -1, "route", kRoute, out);
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "bindings/lua_table.hpp"

namespace lugger {

// Reads the value at the top of the stack, which stays there. Error{config} names the key.
std::string text_value(lua_State* L, std::string_view key);
bool flag_value(lua_State* L, std::string_view key);
double number_value(lua_State* L, std::string_view key, double least);
/// A single text is read as a list of one.
std::vector<std::string> list_value(lua_State* L, std::string_view key);

/// Throws Error{config} for an unknown key, with the nearest known one.
[[noreturn]] void unknown_key(std::string_view holder, std::string_view key, Words known);

template <typename T>
struct Reader {
  std::string_view name;
  /// The value is at the top of the stack, and stays there.
  void (*read)(lua_State* L, std::string_view key, T& out);
};

/// Reads by the type of `out`: text, a list of texts, a boolean, a number from `Least` on.
template <int Least, typename Value>
void read_value(lua_State* L, std::string_view key, Value& out) {
  if constexpr (std::is_same_v<Value, bool> || std::is_same_v<Value, std::optional<bool>>)
    out = flag_value(L, key);
  else if constexpr (std::is_integral_v<Value>)
    out = whole_or<Value>(L, -1, key, Least, out);
  else if constexpr (std::is_floating_point_v<Value>)
    out = number_value(L, key, Least);
  else if constexpr (std::is_same_v<Value, std::string>)
    out = text_value(L, key);
  else
    out = list_value(L, key);
}

/// The object at the end of a chain of members.
template <auto Member, auto... More, typename T>
auto& reach(T& out) {
  if constexpr (sizeof...(More) == 0)
    return out.*Member;
  else
    return reach<More...>(out.*Member);
}

/// A reader whose struct is not known yet.
template <int Least, auto... Members>
struct ReaderBy {
  std::string_view name;
  template <typename T>
  constexpr operator Reader<T>() const {  // NOLINT: so that a list of readers names its struct once
    return {name, [](lua_State* L, std::string_view key, T& out) {
              read_value<Least>(L, key, reach<Members...>(out));
            }};
  }
};
template <const auto& kWords, auto... Members>
struct WordReaderBy {
  std::string_view name;
  template <typename T>
  constexpr operator Reader<T>() const {  // NOLINT: as above
    return {name, [](lua_State* L, std::string_view key, T& out) {
              auto& value = reach<Members...>(out);
              using Enum = std::remove_reference_t<decltype(value)>;
              value = enum_of<Enum>(key, text_value(L, key), kWords);
            }};
  }
};

/// Reads into a member, or into a member of a member.
template <auto... Members>
constexpr ReaderBy<0, Members...> reader(std::string_view name) {
  return {name};
}
/// A number that is at least `Least`.
template <int Least, auto... Members>
constexpr ReaderBy<Least, Members...> number_reader(std::string_view name) {
  return {name};
}
/// An enum that counts from 0, by its words.
template <const auto& kWords, auto... Members>
constexpr WordReaderBy<kWords, Members...> word_reader(std::string_view name) {
  return {name};
}

template <typename T, size_t N>
constexpr auto names_of(const Reader<T> (&readers)[N]) {
  std::array<std::string_view, N> names;
  for (size_t i = 0; i < N; ++i) names[i] = readers[i].name;
  return names;
}

/// Reads the value at the top of the stack. False: no reader has this key.
template <typename T, size_t N>
bool read_key(lua_State* L, std::string_view key, const Reader<T> (&readers)[N], T& out) {
  for (const Reader<T>& known : readers) {
    if (known.name != key) continue;
    known.read(L, key, out);
    return true;
  }
  return false;
}

void need_table(lua_State* L, int index, std::string_view holder);

/// Reads every entry of a table. Error{config} for a key without a reader.
template <typename T, size_t N>
void read_table(lua_State* L, int index, std::string_view holder, const Reader<T> (&readers)[N],
                T& out) {
  index = absolute(L, index);
  need_table(L, index, holder);
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const std::string key = to_text(L, -2);
    if (!read_key(L, key, readers, out)) unknown_key(holder, key, names_of(readers));
  }
}

}  // namespace lugger
