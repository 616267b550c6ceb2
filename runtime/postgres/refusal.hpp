// What the books and the user are told of a document the server refused.
#pragma once
#include "place/state.hpp"
#include "postgres/loader.hpp"

namespace lugger {

/// `_id` as canonical text; for documents without one the key of their row; "?" when there is
/// neither.
std::string unit_document_id(const PgLoad& load, const UnitDocuments& unit, size_t document);
/// The document as a reject: code "server", the server's words, constraint and column.
RejectRecord server_reject(const PgLoad& load, const UnitDocuments& unit, size_t document,
                           const Error& error, const UnitRecord& record);
/// on_conflict = "error" met a key that is taken: names key and document, lists the choices.
Error conflict_error(const PgLoad& load, const UnitDocuments& unit, size_t document,
                     const Error& error);

}  // namespace lugger
