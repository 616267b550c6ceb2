// Ids and namespaces as Pinecone takes them: 1 to 512 characters of ASCII.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

class PineconeIds {
 public:
  /// `percent`: what is not printable ASCII, and %, stands as % and two digits for each byte of its
  /// UTF-8, which decoded() turns around. Otherwise texts stand as they are.
  explicit PineconeIds(bool percent) : percent_(percent) {}

  bool percent() const noexcept { return percent_; }
  std::string encoded(std::string_view text) const;
  std::string decoded(std::string_view text) const;

 private:
  bool percent_;
};

/// Why Pinecone takes no such id; "": it does.
std::string_view why_no_id(std::string_view encoded) noexcept;

}  // namespace lugger
