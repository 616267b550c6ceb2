// A unit the server refused is loaded again in pieces, until the guilty documents stand alone.
#pragma once
#include <functional>

#include "postgres/loader.hpp"

namespace lugger {

/// The server may have refused data, as opposed to a lost connection, a missing right, a full disk.
/// Input functions of types report what they cannot read in classes that also stand for faults of a
/// statement.
bool may_be_refusal(const Error& error) noexcept;
/// Another session was in the way: the same transaction may well pass when tried again.
bool is_transient(const Error& error) noexcept;

/// Loads all of the unit, each piece in a savepoint of the open transaction. `refuse` gets each
/// guilty document, which is then left out; it may throw to give up. An error that may be the
/// statement's own, and falls on one document after the other while none passes, is thrown.
void load_in_pieces(PgLoad& load, PgLoader& loader, UnitDocuments& unit, Tally& tally,
                    const std::function<void(size_t document, const Error& error)>& refuse);

}  // namespace lugger
