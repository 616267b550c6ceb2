// abi.h's structs as the runtime's: the same bytes under two names, proved in abi_document.cpp.
#pragma once
#include <cstring>
#include <string_view>

#include "bindings/abi.h"
#include "value/document.hpp"

namespace lugger {

inline Value& as_value(lug_value& value) noexcept { return *reinterpret_cast<Value*>(&value); }
inline const Value& as_value(const lug_value& value) noexcept {
  return *reinterpret_cast<const Value*>(&value);
}
Document document_of(const lug_doc& doc) noexcept;

/// Copies what fits and returns the whole length, as abi.h's text functions do.
inline uint32_t give_text(std::string_view text, char* out, uint32_t room) noexcept {
  if (text.size() <= room && !text.empty()) std::memcpy(out, text.data(), text.size());
  return static_cast<uint32_t>(text.size());
}

}  // namespace lugger
