// The order in which MongoDB sorts values: types by their bracket, then values within it.
#pragma once
#include "value/document.hpp"
#include "value/value.hpp"

namespace lugger {

/// Values of different brackets never compare as numbers do; 1 and 1.0 share one, 1 and "1" do not.
/// Missing counts as null.
int type_bracket(ValueType type) noexcept;

/// What a double with a fraction stands for beside a decimal: its exact value, as to MongoDB; or its
/// shortest digits, as in Lua: 9.9 and the decimal 9.90 are one number.
enum class Fractions : uint8_t { kExact, kShortest };

/// Rows of PostgreSQL have the numbers of SQL and Lua, documents those of MongoDB.
inline Fractions fractions_of(const Document& document) noexcept {
  return document.format == Format::kPgRow ? Fractions::kShortest : Fractions::kExact;
}

/// Below 0, 0, above 0. NaN is smaller than every number and equal to itself.
int compare_values(const Value& a, const Value& b, Fractions fractions = Fractions::kExact);

/// What MongoDB takes for true where it wants yes or no: every value but false, 0 of any numeric
/// type, null, undefined and what is missing. NaN and the empty text are true.
bool is_true(const Value& value);

}  // namespace lugger
