// Loads units that contain deleted documents.
#pragma once
#include "postgres/loader.hpp"

namespace lugger {

/// Loads and deletes in one transaction, with the same result as if each document came alone, in
/// its turn:
///   deleted     a row of the document existed; it and its child rows are gone
///   unchanged   no row of it existed
///   suppressed  a trigger kept the row; its child rows stay too
///
/// The loader works in steps instead of turns: it deletes, then loads, then deletes again what was
/// loaded, and so on. Documents of different keys share a step; most units have two. Where a
/// constraint makes the order of two keys matter, the server refuses the unit, which is then loaded
/// again in pieces and in order.
///
/// Must not outlive `rows`, which does the loading, nor `unit`.
std::unique_ptr<PgLoader> make_changes_loader(PgLoad& load, PgLoader& rows, UnitDocuments& unit);

}  // namespace lugger
