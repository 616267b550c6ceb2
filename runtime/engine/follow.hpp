// The source of a follow run: first the documents whose keys were spooled since the source was
// copied, as they are now, then its changes as they come.
#pragma once
#include <memory>
#include <optional>

#include "engine/start.hpp"
#include "place/feed.hpp"
#include "place/source.hpp"
#include "place/state.hpp"

namespace lugger {

/// Error{config} for a source that tells of no changes.
std::unique_ptr<Feed> feed_of(Source& source);

/// What a source is when its changes are read.
SourceInfo followed(SourceInfo info);

/// For whoever looks on: how far the cursor of a run that follows is, as far as it is committed.
void tell_followed(RunShared& shared, const Cursor& cursor);

/// The keys of which its cursor has looked up the documents since the last call: those that were
/// spooled, State::asked_keys(), or State::refused_keys().
void add_settled(Cursor& cursor, UnitRecord& unit);
/// When the unit is committed: what it left refused is tried again.
void note_refused(RunShared& shared, Cursor& cursor, const UnitRecord& unit);

/// What `follow` does not go with.
void refuse_to_follow(const RunSettings& settings, Source& source);

/// Up to where the changes of a job's source are applied, as it was committed; none: they are not
/// followed, or what was spooled is still to be settled. `running`: only by a run that goes on.
std::optional<Position> applied_position(State& state, const std::string& job, bool running = true);

/// Why a job cannot be taken by its script's name: what it follows has another one by now, and its
/// rows are not of whatever has that one. `cannot`: "cannot be verified". None: it can.
std::optional<Error> why_renamed(Source& source, State& state, const std::string& job,
                                 std::string_view cannot);

MoveStage move_stage(State& state, const std::string& job);

/// Resumes the job's follow run, or begins one; the job is claimed. Its partition "settle" has the
/// spooled keys, while more of them are spooled; "changes", of the next phase, what happened behind
/// the position at which that ended.
void prepare_follow(RunShared& shared, PreparedRun& prepared);

}  // namespace lugger
