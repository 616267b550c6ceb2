// Loads a unit that the server refused again in pieces, until each refused document is alone.
#pragma once
#include <functional>

#include "postgres/loader.hpp"

namespace lugger {

/// True when the server may have refused the data, as opposed to a lost connection, a missing
/// privilege, or a full disk. Input functions of types report bad values in SQLSTATE classes that
/// are also used for errors of a statement.
bool may_be_refusal(const Error& error) noexcept;
/// True when another session caused the error: the same transaction may succeed if tried again.
bool is_transient(const Error& error) noexcept;

/// Loads the whole unit, each piece in a savepoint of the open transaction. Calls `refuse` for each
/// refused document and leaves it out; `refuse` may throw to give up. An error that may come from
/// the statement itself is thrown when it occurs for one document after the other and none can be
/// loaded. Documents that want unique values of other rows, where rows are updated, are tried once
/// more at the end, and then with the values that their rows have set aside. `skip` is called in
/// place of `refuse` where the unit has a later state of the document: as a reject that is tried
/// again it would take the place of that.
void load_in_pieces(PgLoad& load, PgLoader& loader, UnitDocuments& unit, Tally& tally,
                    const std::function<void(size_t document, const Error& error)>& refuse,
                    const std::function<void(size_t document)>& skip = {});

}  // namespace lugger
