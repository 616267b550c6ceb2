// JSON as JSON: no object is a wrapper for another type, and no number loses a digit.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lugger {

/// Which numbers become doubles: those whose shortest digits these are, as people and servers write
/// them, or those whose every digit these are, as an id's text has them.
enum class DoubleDigits : uint8_t { kShortest, kExact };

/// BSON of JSON text that a server has checked already (json, jsonb). A document comes as it is,
/// any other value as {"": value}. A number that neither an integer nor a double holds becomes a
/// decimal. Error{parse} for text that is no JSON.
std::string bson_from_plain_json(std::string_view json,
                                 DoubleDigits doubles = DoubleDigits::kShortest);

}  // namespace lugger
