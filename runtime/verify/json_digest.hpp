// The structure of a JSON text as a digest: what jsonb compares by.
#pragma once
#include <memory>
#include <string_view>

#include "verify/hash.hpp"

namespace lugger {

/// Equal for texts that PostgreSQL's jsonb takes for equal: order of keys and white space do not
/// count, the last of several equal keys does, numbers count by value (1.0 is 1.00). A text that is
/// no JSON is digested as bytes. Belongs to one worker.
class JsonDigester {
 public:
  explicit JsonDigester(uint64_t seed);
  ~JsonDigester();
  JsonDigester(JsonDigester&&) noexcept;
  Digest digest(std::string_view json);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A decimal number as written in JSON, without what does not change its value: sign, digits
/// without zeros at either end, exponent of the last digit. Appends to out.
void append_number_value(std::string_view number, ByteBuffer& out);

}  // namespace lugger
