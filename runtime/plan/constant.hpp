// A value that a script gives for a column: its default, or what stands in every row.
#pragma once
#include <string>

#include "value/value.hpp"

namespace lugger {

/// Keeps the type it was given in, with its bytes: a number stays one, whatever the column makes of
/// text.
class Constant {
 public:
  Constant(const char* text) : Constant(std::string(text)) {}
  Constant(std::string text) : type_(Value::of(ValueType::kString, 0)), bytes_(std::move(text)) {}
  explicit Constant(const Value& value);

  /// Its bytes lie here: valid as long as the constant stays where it is.
  Value value() const noexcept;
  /// As plans show it.
  std::string text() const;

 private:
  Value type_;  // all of the value but its bytes
  std::string bytes_;
};

}  // namespace lugger
