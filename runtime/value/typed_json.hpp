// The way back from JSON of the typed style, and from the Extended JSON inside an id's text.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// kTyped: as write_json() writes JsonStyle::kTyped, also after jsonb has put it in its own order.
/// kIdText: as append_id_text() writes documents: no $document and no $string, and a double has
/// every digit it stands for.
enum class TypedForm : uint8_t { kTyped, kIdText };

/// BSON {"": value}. What looks like a {"$type": ...} but holds something else stays a document.
/// Error{parse} for text that is no JSON.
std::string bson_from_typed_json(std::string_view json, TypedForm form = TypedForm::kTyped);

}  // namespace lugger
