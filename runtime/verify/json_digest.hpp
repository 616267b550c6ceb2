// A digest of the structure of a JSON text, as jsonb compares it.
#pragma once
#include <memory>
#include <string_view>

#include "verify/hash.hpp"

namespace lugger {

/// Equal for texts that are equal as jsonb: order of keys and white space do not matter, the last
/// of several equal keys counts, and numbers count by value (1.0 is 1.00). A text that is not JSON
/// is digested as bytes. Belongs to one worker.
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

/// Appends the value of a JSON number in a unique form: sign, digits without zeros at either end,
/// exponent of the last digit.
void append_number_value(std::string_view number, ByteBuffer& out);

}  // namespace lugger
