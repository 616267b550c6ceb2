// The source of a follow run: first the documents whose keys were spooled while the source was
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

/// `record`: what was spooled; none: the changes begin at `from`. Both references must outlive it.
/// Partition "settle" gives the spooled keys, "changes", of the next phase, what happened behind
/// the record's position. When "changes" is opened, the keys are settled and are deleted.
std::unique_ptr<Source> follow_source(Source& source, State& state, const std::string& job,
                                      const std::optional<FeedRecord>& record,
                                      const Position& from = {});

/// Places of the keys that somebody asked for, and that such a source's cursor has looked up since
/// the last call: State::asked_keys().
std::vector<std::string> answered_keys(Cursor& cursor);

/// When the changes before the position of such a source's cursor were made; 0: it gives none.
uint64_t followed_time(const Cursor& cursor);

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

/// Resumes the job's follow run, or begins one; the job is claimed.
void prepare_follow(RunShared& shared, PreparedRun& prepared);

}  // namespace lugger
