// Units in which documents were deleted.
#pragma once
#include "postgres/loader.hpp"

namespace lugger {

/// Loads and deletes in one transaction, as if each document came alone when its turn comes:
///   deleted     a row of the document stood there, and is gone with its child rows
///   unchanged   no row of it stood there
///   suppressed  a trigger kept the row; its child rows stay with it
///
/// Steps take the place of turns here: first what is deleted, then what is loaded, then what is
/// deleted of that, and so on. Documents of different keys share them; most units have two. Where a
/// constraint makes the order of two keys matter the server refuses, and the unit is loaded again
/// in pieces, which come in order.
///
/// Outlives neither `rows`, which does the loading, nor `unit`.
std::unique_ptr<PgLoader> make_changes_loader(PgLoad& load, PgLoader& rows, UnitDocuments& unit);

}  // namespace lugger
