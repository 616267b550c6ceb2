#include "base/words.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {

size_t choice(std::string_view what, std::string_view word, Words words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return i;
  }
  const std::string_view near = nearest(word, words);
  throw Error(Code::kConfig,
              fmt::format("{} = \"{}\" is not one of: {}", what, word, fmt::join(words, ", ")),
              near.empty() ? std::string() : fmt::format("did you mean \"{}\"?", near));
}

}  // namespace lugger
