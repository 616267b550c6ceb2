// Plain JSON: no object is treated as a wrapper for another type, and no digit of a number is lost.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace lugger {

/// Which numbers become doubles: kShortest, if the digits are the shortest for that double, as
/// people and servers write them; kExact, if they are its exact value, as in an id's text; kScaled,
/// if they are the shortest and end in no zero that a numeric keeps: 1.10 is a decimal.
enum class DoubleDigits : uint8_t { kShortest, kExact, kScaled };

/// Whether the double's digits say the number that the text says. True for what is no number.
bool same_number(std::string_view digits, double real, DoubleDigits doubles);

/// Converts JSON text that a server has validated (json, jsonb) to BSON. A document is converted as
/// it is; any other value becomes {"": value}. A number that fits neither an integer nor a double
/// becomes a decimal, and beyond 34 digits a numeric. Error{parse} for text that is not JSON.
std::string bson_from_plain_json(std::string_view json,
                                 DoubleDigits doubles = DoubleDigits::kShortest);

namespace json {

/// Appends a document's BSON, as bson_from_plain_json() makes it of DoubleDigits::kScaled, after
/// checking that the text is JSON. Throws Mistake. `scratch` is reused memory.
void append_strict(std::string_view text, std::string& scratch, ByteBuffer& out);

/// True when the text may contain a number whose fraction ends in a zero.
bool may_hold_scale(std::string_view text);

}  // namespace json

}  // namespace lugger
