// What the ledger and the user are told about a document that the server refused.
#pragma once
#include "place/state.hpp"
#include "postgres/loader.hpp"

namespace lugger {

/// `_id` as canonical text. For documents without `_id`, the key of their row; "?" without both.
std::string unit_document_id(const PgLoad& load, const UnitDocuments& unit, size_t document);
/// The reject of a document: code "server", the server's message, constraint and column.
RejectRecord server_reject(const PgLoad& load, const UnitDocuments& unit, size_t document,
                           const Error& error, const UnitRecord& record);
/// The error when on_conflict = "error" meets an existing key: names key and document, and lists
/// the choices.
Error conflict_error(const PgLoad& load, const UnitDocuments& unit, size_t document,
                     const Error& error);

}  // namespace lugger
