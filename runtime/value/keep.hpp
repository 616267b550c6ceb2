// Documents in the form in which the ledger keeps them: BSON, from which each can be restored as it
// was read.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/arena.hpp"
#include "value/document.hpp"

namespace lugger {

/// The BSON for a document. A BSON document is kept unchanged, even if its bytes are invalid. A row
/// of PostgreSQL is wrapped in {"$lugger": "row", "fields": [...], "tuple": binary} with the names
/// and types of its fields, so that no type needs a counterpart in BSON. A BSON document that looks
/// like such a wrapper is wrapped too.
std::string keep_document(const Document& document);

/// Turns what was kept into documents again. Owns the shapes of the rows it gave.
class KeptDocuments {
 public:
  /// Restores the document in the arena, in its original format. nullopt: keep_document() did not
  /// make this (rejects of earlier versions contain rows of PostgreSQL without their types).
  std::optional<Document> read(Bytes kept, Arena& arena);

 private:
  const RowShape* shape_of(Bytes fields);
  std::map<std::string, std::unique_ptr<const RowShape>, std::less<>> shapes_;  // by their BSON
};

}  // namespace lugger
