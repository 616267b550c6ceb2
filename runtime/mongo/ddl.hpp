// Events of a change stream that change a collection as a whole.
#pragma once
#include <optional>

#include "change/stream_event.hpp"
#include "mongo/scan.hpp"
#include "place/ddl.hpp"

namespace lugger {

/// What the event did to this collection; nullopt: nothing, or something that no job must know of.
std::optional<Ddl> ddl_of(const StreamEvent& event, const ScanPlace& place);

/// How a collection is recognised: by its set and its UUID; where that is not known, or no longer
/// the same, by its set.
std::string identity_of(const ScanPlace& place);
/// True when changes that were followed in the place of an identity may be followed here.
bool goes_on_from(std::string_view identity, const ScanPlace& place);

}  // namespace lugger
