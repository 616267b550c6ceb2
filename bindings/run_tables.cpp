// Runs as Lua tables: progress, results, records of the ledger; and the settings of a run.
#include <array>

#include "base/error.hpp"
#include "bindings/tables.hpp"
#include "bindings/words.hpp"

namespace lugger {

/// Of a time as Feed::time_of() gives it.
static uint64_t seconds_of(uint64_t time) { return time >> 32; }

template <size_t... Place>
static constexpr auto tally_fields(std::index_sequence<Place...>) {
  return std::array<Field<Tally>, sizeof...(Place) + 1>{
      field<kTallyCounts[Place].of>(kTallyCounts[Place].name, kTallyCounts[Place].about)...,
      field<&Tally::balanced>("balanced")};
}
static constexpr auto kTally = tally_fields(std::make_index_sequence<std::size(kTallyCounts)>{});
Record<Tally> record_of(const Tally*) { return {"lugger.tally", "", kTally}; }

static constexpr Field<Notice> kNotice[] = {
    field<&Notice::job>("job"),
    field<&Notice::kind>("kind", "what was done to a collection, or what was met",
                         R"("drop"|"rename"|"dropDatabase"|"create"|"collMod"|"createIndexes")"
                         R"(|"dropIndexes"|"field"|"collection"|"large"|"accepted"|"slot")"),
    field<&Notice::name>("name", "what it is about"),
    field<&Notice::done>("done", "what the job did"),
    field<&Notice::count>("count"),
    field<&Notice::first>("first", "when it was noticed first; \"\" in a run under way"),
    field<&Notice::last>("last"),
};
Record<Notice> record_of(const Notice*) {
  return {"lugger.notice", "something that was noticed while changes were followed", kNotice};
}

static constexpr Field<RunSnapshot> kRunSnapshot[] = {
    field<&RunSnapshot::run>("run"),
    field<&RunSnapshot::stage>(
        "stage", "",
        R"("reading"|"finishing"|"index"|"constrain"|"settling"|"following"|"done"|"failed"|"stopped")"),
    field<&RunSnapshot::tally>("tally"),
    field<&RunSnapshot::total_bytes>("total_bytes", "0: unknown"),
    field<&RunSnapshot::seconds>("seconds"),
    field<&RunSnapshot::resumed>("resumed"),
    field<&RunSnapshot::steps>("steps", "under way"),
    field<&RunSnapshot::steps_done>("steps_done"),
    field<&RunSnapshot::steps_total>("steps_total"),
    field<&RunSnapshot::waits_for>("waits_for",
                                   "why it does nothing at the moment; \"\" while it works"),
    field<&RunSnapshot::lost>(
        "lost", "what a server that it waits for said last, or why it is not reached; or \"\""),
    field<&RunSnapshot::silent_s>("silent_s", "since a server that it waits for was heard of"),
    field<&RunSnapshot::remarks>("remarks", "of the source, since the last poll"),
    field<&RunSnapshot::behind_s>("behind_s", "of a feed: seconds behind its source; -1: unknown"),
    field<[](const RunSnapshot& run) { return seconds_of(run.followed); }>(
        "followed",
        "changes made before this are committed, or their keys are, in seconds of the source; 0: "
        "none"),
    field<&RunSnapshot::kept>("kept", "keys that were spooled and are not settled"),
    field<&RunSnapshot::news>("news", "what was noticed, in order"),
};
Record<RunSnapshot> record_of(const RunSnapshot*) {
  return {"lugger.run_snapshot", "", kRunSnapshot};
}

static constexpr Field<RejectGroup> kRejectGroup[] = {
    field<&RejectGroup::table>("table"),
    field<&RejectGroup::column>("column", "\"\" where the document as a whole was refused"),
    field<&RejectGroup::code>("code"),
    field<&RejectGroup::constraint>("constraint", "that the server named, or \"\""),
    field<&RejectGroup::documents>("documents"),
    field<&RejectGroup::message>("message", "of the first document; \"\" with --redact"),
    field<&RejectGroup::texts>(
        "texts", "different messages, places in the text aside; at 1000 there may be more"),
    field<&RejectGroup::advice>("advice", "what would take it, or \"\""),
    field<&RejectGroup::document_id>("document_id", "of the first document"),
};
Record<RejectGroup> record_of(const RejectGroup*) {
  return {"lugger.reject_group", "documents of a run that were refused for one reason",
          kRejectGroup};
}

static constexpr Field<RunResult> kRunResult[] = {
    field<&RunResult::run>("run"),
    field<&RunResult::job>("job"),
    field<&RunResult::status>("status", "", R"("done"|"stopped"|"failed")"),
    field<&RunResult::tally>("tally"),
    field<&RunResult::seconds>("seconds"),
    field<&RunResult::resumed>("resumed"),
    field<&RunResult::dry_run>("dry_run"),
    field<&RunResult::unmapped>("unmapped"),
    field<&RunResult::unmet>("unmet", "paths of the mapping that no document had"),
    field<&RunResult::skip_reasons>("skip_reasons"),
    field<&RunResult::reject_codes>("reject_codes"),
    field<&RunResult::rejects>("rejects", "by reason, the most frequent first"),
    field<&RunResult::tables>("tables", "how many the job fills"),
    field<&RunResult::notes>("notes"),
    field<&RunResult::noticed>("noticed", "by this process, each once"),
    field<&RunResult::warnings>("warnings"),
    field<&RunResult::refused>("refused", "rows that keep constraints from being added"),
    field<&RunResult::constrained>("constrained", "false: they did"),
    field<[](const RunResult& run) { return run.stage ? stage_word(*run.stage) : ""; }>(
        "stage", "of a run that was one stage alone; else \"\""),
    field<&RunResult::error>("error"),
    field<&RunResult::hint>("hint"),
    field<&RunResult::error_code>("error_code"),
    field<&RunResult::position_lost>("position_lost",
                                     "the source no longer has the changes from the position on"),
    field<&RunResult::resume_command>("resume_command"),
};
Record<RunResult> record_of(const RunResult*) { return {"lugger.run_result", "", kRunResult}; }

static constexpr Field<RunRecord> kRunRecord[] = {
    field<&RunRecord::run>("run"),
    field<&RunRecord::job>("job"),
    field<&RunRecord::script_hash>("script_hash"),
    field<&RunRecord::source>("source"),
    field<&RunRecord::source_identity>("source_identity"),
    field<&RunRecord::mode>("mode"),
    field<&RunRecord::status>("status", "", R"("running"|"stopped"|"failed"|"done"|"abandoned")"),
    field<&RunRecord::command>("command"),
    field<&RunRecord::started>("started"),
    field<&RunRecord::updated>("updated"),
    field<&RunRecord::message>("message"),
    field<&RunRecord::now>("now"),
    field<&RunRecord::tally>("tally"),
};
Record<RunRecord> record_of(const RunRecord*) { return {"lugger.run_record", "", kRunRecord}; }

static constexpr Field<RejectRecord> kRejectRecord[] = {
    field<&RejectRecord::reject>("reject"),
    field<&RejectRecord::run>("run"),
    field<&RejectRecord::job>("job"),
    field<&RejectRecord::table>("table"),
    field<&RejectRecord::document_id>("document_id"),
    field<&RejectRecord::column>("column"),
    field<&RejectRecord::code>("code"),
    field<&RejectRecord::message>("message"),
    field<&RejectRecord::document>("document", "canonical Extended JSON"),
    field<[](const RejectRecord& reject) { return operation_word(reject.operation); }>(
        "operation", "what the source said happened to the document", R"("upsert"|"delete")"),
    field<&RejectRecord::at>("at"),
};
Record<RejectRecord> record_of(const RejectRecord*) {
  return {"lugger.reject_record", "", kRejectRecord};
}

static constexpr Field<FeedRecord> kFeedRecord[] = {
    field<&FeedRecord::job>("job"),
    field<&FeedRecord::source_identity>("source_identity"),
    field<&FeedRecord::position>("position", "the keys of all changes before it are kept"),
    field<[](const FeedRecord& feed) { return seconds_of(feed.time); }>(
        "seconds", "of the position, by the source's clock"),
    field<&FeedRecord::started>("started"),
    field<&FeedRecord::updated>("updated"),
    field<&FeedRecord::spooled>("spooled", "keys"),
};
Record<FeedRecord> record_of(const FeedRecord*) {
  return {"lugger.feed_record", "changes that are kept while their source is copied", kFeedRecord};
}

static constexpr Field<SpoolSnapshot> kSpoolSnapshot[] = {
    field<&SpoolSnapshot::position>("position", "the keys of all changes before it are kept"),
    field<[](const SpoolSnapshot& spool) { return seconds_of(spool.time); }>(
        "seconds", "of the position, by the source's clock"),
    field<&SpoolSnapshot::spooled>("spooled", "keys that are kept"),
    field<&SpoolSnapshot::events>("events", "read by this process"),
    field<[](const SpoolSnapshot& spool) { return spool.waiting.reason; }>(
        "waits_for", "why it waits; \"\" while it does not"),
    field<[](const SpoolSnapshot& spool) { return spool.waiting.lost; }>(
        "lost", "what a server that it waits for said last, or why it is not reached; or \"\""),
    field<[](const SpoolSnapshot& spool) { return spool.waiting.seconds; }>(
        "silent_s", "since a server that it waits for was heard of"),
    field<&SpoolSnapshot::ended>("ended"),
    field<[](const SpoolSnapshot& spool) { return spool.failure ? spool.failure->message() : ""; }>(
        "error", "why it ended; \"\" when it was stopped"),
    field<[](const SpoolSnapshot& spool) { return spool.failure ? spool.failure->hint() : ""; }>(
        "hint"),
    field<[](const SpoolSnapshot& spool) {
      return spool.failure ? code_name(spool.failure->code()) : "";
    }>("error_code"),
    field<[](const SpoolSnapshot& spool) {
      return spool.failure && is_position_lost(*spool.failure);
    }>("position_lost", "the source no longer has the changes from the position on"),
};
Record<SpoolSnapshot> record_of(const SpoolSnapshot*) {
  return {"lugger.spool_snapshot", "", kSpoolSnapshot};
}

static constexpr Field<SourceSeen> kSourceSeen[] = {
    field<[](const SourceSeen& seen) { return seconds_of(seen.view.head); }>(
        "head", "how far the source was, in its seconds; 0: not known"),
    field<[](const SourceSeen& seen) { return seconds_of(seen.view.oldest); }>(
        "oldest", "it still had the changes from here on; 0: not known"),
    field<[](const SourceSeen& seen) { return seen.view.probed; }>(
        "probed", "oldest was found by asking for changes, and may lie an eighth too far back"),
    field<[](const SourceSeen& seen) { return seen.view.young; }>(
        "young", "nothing of it was let go yet: how far back it will reach is not known"),
    field<&SourceSeen::age>("age", "seconds since it answered; -1: not yet"),
    field<&SourceSeen::fault>("fault", "why it does not answer; \"\": it does"),
    field<&SourceSeen::own_stream>(
        "own_stream", "why its changes come by a stream of their own; \"\": nothing is known"),
    field<[](const SourceSeen& seen) { return seen.kept.name; }>(
        "slot", "for which the server keeps its log; \"\": none is known"),
    field<[](const SourceSeen& seen) { return seen.kept.bytes; }>("kept_bytes", "of that log"),
    field<[](const SourceSeen& seen) { return seen.kept.state; }>(
        "kept_state", "in the server's words: reserved, extended, unreserved, lost"),
    field<[](const SourceSeen& seen) { return seen.kept.left.value_or(-1); }>(
        "kept_left", "bytes more, and it is removed unread; -1: it has no bound"),
};
Record<SourceSeen> record_of(const SourceSeen*) {
  return {"lugger.source_seen", "what was seen of the source of a job that is moved", kSourceSeen};
}

static constexpr Field<WatchRecord> kWatchRecord[] = {
    field<&WatchRecord::job>("job"),
    field<&WatchRecord::facts>("facts", "JSON"),
    field<&WatchRecord::age>("age", "seconds since it was told"),
    field<&WatchRecord::holder>("holder", "the process that works on the job; \"\": none"),
};
Record<WatchRecord> record_of(const WatchRecord*) {
  return {"lugger.watch_record", "what the process that moves a job told of it last", kWatchRecord};
}

static constexpr Field<TypeCount> kTypeCount[] = {
    field<&TypeCount::type>("type", "\"int32\", \"string\", ..."),
    field<&TypeCount::values>("values"),
};
Record<TypeCount> record_of(const TypeCount*) { return {"lugger.type_count", "", kTypeCount}; }

static constexpr Field<FieldSummary> kFieldSummary[] = {
    field<&FieldSummary::path>("path"),
    field<&FieldSummary::seen>("seen", "documents that have the field"),
    field<&FieldSummary::nulls>("nulls"),
    field<&FieldSummary::types>("types", "most frequent first, null left out"),
    field<&FieldSummary::suggests>("suggests", "column type"),
    field<&FieldSummary::note>("note", "what to mind; \"\" when there is nothing"),
};
Record<FieldSummary> record_of(const FieldSummary*) {
  return {"lugger.field_summary", "what describe found of one field", kFieldSummary};
}

static constexpr Field<Description> kDescription[] = {
    field<&Description::info>("info"),
    field<&Description::documents>("documents"),
    field<&Description::malformed>("malformed"),
    field<&Description::complete>("complete", "false when it stopped at the limit"),
    field<&Description::fields>("fields"),
};
Record<Description> record_of(const Description*) {
  return {"lugger.description", "", kDescription};
}

static std::vector<std::string> choices_of(const OptionSpec& option) {
  std::vector<std::string> choices;
  for (std::string_view rest = option.choices; !rest.empty();) {
    const size_t end = std::min(rest.find('|'), rest.size());
    choices.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return choices;
}
static constexpr std::array<std::string_view, 8> kOptionTypes = {
    "flag", "number", "text", "choice", "list", "path", "URL", "flag or path"};
static constexpr Field<OptionSpec> kOptionSpec[] = {
    field<&OptionSpec::name>("name"),
    word_field<&OptionSpec::type, kOptionTypes>("type"),
    field<&OptionSpec::help>("help", "one sentence"),
    field<&OptionSpec::fallback>("fallback"),
    field<choices_of>("choices", "of type \"choice\""),
};
Record<OptionSpec> record_of(const OptionSpec*) {
  return {"lugger.place_option", "an option of a source or target", kOptionSpec};
}

static constexpr Reader<RunSettings> kSettings[] = {
    reader<&RunSettings::jobs>("jobs"),
    reader<&RunSettings::create>("create"),
    reader<&RunSettings::dry_run>("dry_run"),
    reader<&RunSettings::restart>("restart"),
    reader<&RunSettings::accept_changes>("accept_changes"),
    reader<&RunSettings::again>("again"),
    reader<&RunSettings::join>("join"),
    reader<&RunSettings::limit>("limit"),
    reader<&RunSettings::retry_rejects>("retry_rejects"),
    reader<&RunSettings::redact>("redact"),
    reader<&RunSettings::follow>("follow"),
    reader<&RunSettings::follow_from>("follow_from"),
    reader<&RunSettings::patient>("patient"),
    {"stage",
     [](lua_State* L, std::string_view key, RunSettings& out) {
       out.stage = enum_of<Stage>(key, text_value(L, key), kStageWords);
     }},
    reader<&RunSettings::stages, &StageSettings::force>("force"),
    {"index_memory",  // a number means kilobytes, as in PostgreSQL's settings
     [](lua_State* L, std::string_view, RunSettings& out) { out.stages.memory = to_text(L, -1); }},
    number_reader<1, &RunSettings::stages, &StageSettings::lock_timeout_ms>("lock_timeout_ms"),
    number_reader<1, &RunSettings::stages, &StageSettings::lock_tries>("lock_tries"),
    reader<&RunSettings::window>("window"),
    reader<&RunSettings::source_mbps>("source_mbps"),
    reader<&RunSettings::embed, &EmbedCaps::usd>("max_usd"),
    number_reader<1, &RunSettings::embed, &EmbedCaps::tokens>("max_tokens"),
    number_reader<1, &RunSettings::embed, &EmbedCaps::requests>("max_requests"),
};

RunSettings read_settings(lua_State* L, int index) {
  RunSettings settings;
  if (!lua_isnoneornil(L, index)) read_table(L, index, "a run", kSettings, settings);
  return settings;
}

}  // namespace lugger
