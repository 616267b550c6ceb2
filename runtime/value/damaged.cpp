#include "value/damaged.hpp"

#include <algorithm>

namespace lugger {
namespace {

using namespace std::string_view_literals;

constexpr auto kElement = "\xEE$text\0"sv;  // a type that BSON does not have, and a name
constexpr size_t kHead = 4 + kElement.size() + 4;

}  // namespace

void write_damaged(const DamagedText& damaged, ByteBuffer& out) {
  const size_t size = kHead + damaged.reason.size() + damaged.text.size() + 1;
  out.append_le(static_cast<uint32_t>(size));
  out.append(kElement);
  out.append_le(static_cast<uint32_t>(damaged.reason.size()));
  out.append(damaged.reason);
  out.append(damaged.text);
  out.push(0);
}

std::optional<DamagedText> damaged_text(Bytes document) noexcept {
  if (document.size() <= kHead || load_le<uint32_t>(document.data()) != document.size() ||
      as_text(document).substr(4, kElement.size()) != kElement)
    return std::nullopt;
  const std::string_view rest = as_text(document).substr(kHead, document.size() - kHead - 1);
  const size_t reason = load_le<uint32_t>(document.data() + 4 + kElement.size());
  if (reason > rest.size()) return std::nullopt;
  return DamagedText{rest.substr(0, reason), rest.substr(reason)};
}

std::string_view without_place(std::string_view reason) noexcept {
  std::string_view rest = reason;
  for (const std::string_view word : {"line "sv, ", column "sv}) {
    if (!rest.starts_with(word)) return reason;
    rest.remove_prefix(word.size());
    rest.remove_prefix(std::min(rest.find_first_not_of("0123456789"), rest.size()));
  }
  return rest.starts_with(": ") ? rest.substr(2) : reason;
}

}  // namespace lugger
