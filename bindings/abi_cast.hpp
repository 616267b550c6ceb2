// Casts between the structs of abi.h and those of the runtime, which have the same layout; checked
// in abi_document.cpp.
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

/// Copies as much as fits and returns the full length, as the text functions of abi.h do.
inline uint32_t give_text(std::string_view text, char* out, uint32_t room) noexcept {
  if (text.size() <= room && !text.empty()) std::memcpy(out, text.data(), text.size());
  return static_cast<uint32_t>(text.size());
}

}  // namespace lugger
