// What the coercer tests share: a value in as Extended JSON, what the column holds out as text.
#pragma once
#include <list>
#include <string>

#include "base/text.hpp"
#include "catch.hpp"
#include "plan/coercer.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {

/// One column; values live as long as it does.
class Bench {
 public:
  explicit Bench(std::string_view type, CoercePolicy policy = {})
      : coercer_(parse_column_type(type), policy) {}

  /// The coerced value as the server's text, or the failure's code: "<out_of_range>".
  std::string operator()(const Value& in) {
    failure_ = coercer_(in, out_, arena_);
    return failure_ == Failure::kNone ? coerced_text(out_, coercer_.type())
                                      : "<" + std::string(failure_code(failure_)) + ">";
  }
  /// The same of a value as Extended JSON: 1.5, {"$date": ..}.
  std::string json(std::string_view extended_json) {
    kept_.push_back(bson_from_json("{\"v\": " + std::string(extended_json) + "}"));
    return (*this)(bson_field(as_bytes(kept_.back()), "v"));
  }
  std::string text(std::string_view text) { return (*this)(Value::of(ValueType::kString, text)); }
  std::string number(double value) { return (*this)(Value::of_double(value)); }
  std::string integer(int64_t value) { return (*this)(Value::of(ValueType::kInt64, value)); }
  const Value& value() const noexcept { return out_; }
  std::string hex() const { return to_hex(out_.bytes()); }
  Arena& arena() noexcept { return arena_; }
  Coercer& coercer() noexcept { return coercer_; }

 private:
  Coercer coercer_;
  Arena arena_;
  Value out_;
  Failure failure_ = Failure::kNone;
  std::list<std::string> kept_;
};

}  // namespace lugger::test
