#include "bindings/process_title.hpp"

#include <cstring>
#include <span>

namespace lugger {

// The kernel shows the memory that main() received, so it must be overwritten in place.
static std::span<char*> g_arguments;

void remember_arguments(int count, char** words) noexcept {
  g_arguments = {words, static_cast<size_t>(count)};
}

void wipe_arguments(std::string_view secret) noexcept {
  if (secret.empty()) return;
  for (char* word : g_arguments) {
    const size_t size = std::strlen(word);
    const std::string_view text(word, size);
    for (size_t at = text.find(secret); at != text.npos;
         at = text.find(secret, at + secret.size())) {
      std::memset(word + at, ' ', secret.size());
      if (secret.size() >= 3) std::memcpy(word + at, "***", 3);
    }
  }
}

}  // namespace lugger
