// Text that is no document, on its way as one: to be refused with its reason, and kept.
#pragma once
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace lugger {

struct DamagedText {
  std::string_view reason;  // "line 5, column 17: ..."
  std::string_view text;    // as it stood there
};

/// Appends what stands for it: the length of a BSON document, and an element of a type that BSON
/// does not have. So everything that reads BSON finds a document without fields whose bytes are not
/// valid; who reports that has the reason.
void write_damaged(const DamagedText& damaged, ByteBuffer& out);
/// nullopt: the document is none of these.
std::optional<DamagedText> damaged_text(Bytes document) noexcept;
/// Why a document of any kind stands for text that is none; "": it does not.
inline std::string_view damage_of(Bytes document) noexcept {
  const auto damaged = damaged_text(document);
  return damaged ? damaged->reason : std::string_view();
}

}  // namespace lugger
