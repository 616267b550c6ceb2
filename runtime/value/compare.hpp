// The order in which MongoDB sorts values: types by their bracket, then values within it.
#pragma once
#include "value/value.hpp"

namespace lugger {

/// Values of different brackets never compare as numbers do; 1 and 1.0 share one, 1 and "1" do not.
/// Missing counts as null.
int type_bracket(ValueType type) noexcept;

/// Below 0, 0, above 0. NaN is smaller than every number and equal to itself.
int compare_values(const Value& a, const Value& b);

/// What MongoDB takes for true where it wants yes or no: every value but false, 0 of any numeric
/// type, null, undefined and what is missing. NaN and the empty text are true.
bool is_true(const Value& value);

}  // namespace lugger
