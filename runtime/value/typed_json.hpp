// Reads JSON of the typed style, and the Extended JSON inside an id's text.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// kTyped: as write_json() writes JsonStyle::kTyped, even after jsonb has reordered the keys.
/// kIdText: as append_id_text() writes documents: without $document and $string, and a double has
/// its exact value.
enum class TypedForm : uint8_t { kTyped, kIdText };

/// Returns BSON {"": value}. An object that looks like {"$type": ...} but has other content stays a
/// document. Error{parse} for text that is not JSON.
std::string bson_from_typed_json(std::string_view json, TypedForm form = TypedForm::kTyped);

}  // namespace lugger
