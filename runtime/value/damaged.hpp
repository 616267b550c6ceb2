// Carries text that is not a valid document through the reader as if it were one, so that it is
// refused with its reason, and kept.
#pragma once
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace lugger {

struct DamagedText {
  std::string_view reason;  // the reason, "line 5, column 17: ..."
  std::string_view text;    // the original text
};

/// Appends a replacement document: the length of a BSON document, and an element of a type that
/// does not exist in BSON. So all code that reads BSON finds an invalid document without fields,
/// and the code that reports it finds the reason.
void write_damaged(const DamagedText& damaged, ByteBuffer& out);
/// nullopt: the document is not such a replacement.
std::optional<DamagedText> damaged_text(Bytes document) noexcept;
/// The reason, if a document is a replacement for text that could not be parsed; otherwise "".
inline std::string_view damage_of(Bytes document) noexcept {
  const auto damaged = damaged_text(document);
  return damaged ? damaged->reason : std::string_view();
}

/// A reason without the line and column that it begins with.
std::string_view without_place(std::string_view reason) noexcept;

}  // namespace lugger
