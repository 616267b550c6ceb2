// The vectors of an object that was sent or that stands.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lugger {

/// By their names, "" for that without one; of many the numbers of all, one behind the other.
using ObjectVectors = std::map<std::string, std::vector<float>, std::less<>>;

/// Of an object as JSON; what is none has no vectors.
ObjectVectors vectors_of_json(std::string_view object);

}  // namespace lugger
