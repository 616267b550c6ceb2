// Documents as the ledger keeps them: BSON, from which each comes back as it was read.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/arena.hpp"
#include "value/document.hpp"

namespace lugger {

/// BSON that stands for the document. A BSON document stands for itself, whatever its bytes are. A
/// row of PostgreSQL is put into one, {"$lugger": "row", "fields": [...], "tuple": binary}, with
/// the names and types of its fields: no type of PostgreSQL has to find a counterpart in BSON. So
/// is a BSON document that could be taken for such a one.
std::string keep_document(const Document& document);

/// Turns what was kept into documents again. Owns the shapes of the rows it gave.
class KeptDocuments {
 public:
  /// In the arena, in the format in which it was read. nullopt: nothing that keep_document() made
  /// (rejects of earlier versions hold rows of PostgreSQL without their types).
  std::optional<Document> read(Bytes kept, Arena& arena);

 private:
  const RowShape* shape_of(Bytes fields);
  std::map<std::string, std::unique_ptr<const RowShape>, std::less<>> shapes_;  // by their BSON
};

}  // namespace lugger
