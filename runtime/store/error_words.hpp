// The words of an error, as HTTP stores put them into JSON.
#pragma once
#include <string>

namespace lugger {

/// Of {"error": [{"message": "..."}]}, {"error": {"message": "..."}} or {"message": "..."}; what is
/// none of them, such as a page of a proxy, is cut to its first words.
std::string words_of_error(const std::string& body);

}  // namespace lugger
