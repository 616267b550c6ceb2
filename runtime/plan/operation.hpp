// What a source says happened to a document.
#pragma once
#include <cstdint>
#include <string_view>

namespace lugger {

/// Of a document that was deleted the source gives the `_id` alone.
enum class Operation : uint8_t { kUpsert, kDelete };

/// As ledgers and scripts have it.
inline std::string_view operation_word(Operation operation) noexcept {
  return operation == Operation::kDelete ? "delete" : "upsert";
}
inline Operation operation_of(std::string_view word) noexcept {
  return word == "delete" ? Operation::kDelete : Operation::kUpsert;
}

}  // namespace lugger
