// JSON as JSON: no object is a wrapper for another type, and no number loses a digit.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// BSON of JSON text that a server has checked already (json, jsonb). A document comes as it is,
/// any other value as {"": value}. A number that neither an integer nor a double holds becomes a
/// decimal. Error{parse} for text that is no JSON.
std::string bson_from_plain_json(std::string_view json);

}  // namespace lugger
