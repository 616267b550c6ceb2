#include "bindings/verify_tables.hpp"

#include "bindings/embedder.hpp"
#include "bindings/reader.hpp"

namespace lugger {

static constexpr Field<ColumnFinding> kColumnFinding[] = {
    field<&ColumnFinding::table>("table"),
    field<&ColumnFinding::column>("column"),
    field<&ColumnFinding::wanted>("wanted", "the type of the mapping"),
    field<&ColumnFinding::found>("found",
                                 "the type in the table; \"\" when there is no such column"),
};
Record<ColumnFinding> record_of(const ColumnFinding*) {
  return {"lugger.column_finding", "", kColumnFinding};
}

static constexpr Field<ColumnDifference> kColumnDifference[] = {
    field<&ColumnDifference::column>("column"),
    field<&ColumnDifference::source>("source", "nil is NULL"),
    field<&ColumnDifference::target>("target", "nil is NULL"),
};
Record<ColumnDifference> record_of(const ColumnDifference*) {
  return {"lugger.column_difference", "both sides of one column, as text", kColumnDifference};
}

static constexpr Field<RowFinding> kRowFinding[] = {
    field<[](const RowFinding& finding) { return finding_word(finding.kind); }>(
        "kind", "", R"("missing"|"extra"|"different")"),
    field<&RowFinding::table>("table"),
    field<&RowFinding::key>("key", "\"mongo_id=64f1..., ordinal=2\""),
    field<&RowFinding::columns>("columns", "of a different row, those that differ"),
};
Record<RowFinding> record_of(const RowFinding*) { return {"lugger.row_finding", "", kRowFinding}; }

static constexpr Field<TableVerdict> kTableVerdict[] = {
    field<&TableVerdict::table>("table"),
    field<&TableVerdict::source>("source", "rows expected; equal + missing + different + older"),
    field<&TableVerdict::target>("target", "rows there; equal + extra + different + newer"),
    field<&TableVerdict::equal>("equal"),
    field<&TableVerdict::missing>("missing"),
    field<&TableVerdict::extra>("extra"),
    field<&TableVerdict::different>("different"),
    field<&TableVerdict::newer>(
        "newer", "rows of documents that the target has newer, with on_conflict = 'newer'"),
    field<&TableVerdict::older>("older", "the source's rows of these"),
    field<&TableVerdict::duplicates>("duplicates",
                                     "source rows that gave way to another of the same key"),
    field<&TableVerdict::settled>("settled",
                                  "rows that differed at first, and not when read again"),
    field<&TableVerdict::differing>("differing", "with live: column -> rows in which it differs"),
    field<&TableVerdict::source_digest>("source_digest"),
    field<&TableVerdict::target_digest>("target_digest"),
    field<&TableVerdict::columns>("columns", "compared"),
    field<&TableVerdict::left_out>("left_out", "not compared: filled by the server or the clock"),
};
Record<TableVerdict> record_of(const TableVerdict*) {
  return {"lugger.table_verdict", "", kTableVerdict};
}

static constexpr Field<RecallSide> kRecallSide[] = {
    field<&RecallSide::how>("how", "the index and its settings; \"\": it has no search"),
    field<&RecallSide::recall>("recall",
                               "share of its exact neighbours that its search finds, 0 to 1"),
    field<&RecallSide::worst>("worst", "of one query"),
    field<&RecallSide::returned>("returned", "hits of all queries"),
    field<&RecallSide::wanted>("wanted", "hits that k asks for, as far as there are so many"),
    field<&RecallSide::short_answers>("short_answers", "queries with fewer hits than wanted"),
    field<&RecallSide::vectors>("vectors"),
    field<&RecallSide::without>("without", "rows without a vector"),
    field<&RecallSide::other_size>("other_size", "vectors of other dimensions than the queries'"),
};
Record<RecallSide> record_of(const RecallSide*) { return {"lugger.recall_side", "", kRecallSide}; }

static constexpr Field<RecallQuery> kRecallQuery[] = {
    field<&RecallQuery::query>("query", "the key of a stored vector, or the line of a file"),
    field<&RecallQuery::filter>("filter", "\"\": none"),
    field<&RecallQuery::source>("source", "recall"),
    field<&RecallQuery::target>("target", "recall"),
    field<&RecallQuery::overlap>("overlap", "of both answers"),
    field<&RecallQuery::source_hits>("source_hits"),
    field<&RecallQuery::target_hits>("target_hits"),
};
Record<RecallQuery> record_of(const RecallQuery*) {
  return {"lugger.recall_query", "", kRecallQuery};
}

static constexpr Field<RecallVerdict> kRecallVerdict[] = {
    field<&RecallVerdict::good>("good", "the target finds as much as it must"),
    field<&RecallVerdict::column>("column"),
    field<&RecallVerdict::metric>("metric"),
    field<&RecallVerdict::queries_from>("queries_from", "in words"),
    field<&RecallVerdict::k>("k"),
    field<&RecallVerdict::least>("least", "recall of the target"),
    field<&RecallVerdict::source>("source"),
    field<&RecallVerdict::target>("target"),
    field<&RecallVerdict::queries_tested>("queries_tested"),
    field<&RecallVerdict::nothing_to_find>("nothing_to_find",
                                           "queries that no vector can answer: not tested"),
    field<&RecallVerdict::avg_result_overlap>("avg_result_overlap", "of the answers of both sides"),
    field<&RecallVerdict::perfect_matches>("perfect_matches", "queries with the same hits"),
    field<&RecallVerdict::exact_overlap>("exact_overlap", "of both sides' exact neighbours"),
    field<&RecallVerdict::rank_agreement>("rank_agreement",
                                          "Kendall's tau of common hits; nil: no query has two"),
    field<&RecallVerdict::mean_score_delta>("mean_score_delta", "of exact scores"),
    field<&RecallVerdict::largest_score_delta>("largest_score_delta"),
    field<&RecallVerdict::worst>("worst", "the five worst queries of the target, then those of the source"),
};
Record<RecallVerdict> record_of(const RecallVerdict*) {
  return {"lugger.recall", "", kRecallVerdict};
}

static constexpr Field<Verdict> kVerdict[] = {
    field<&Verdict::equal>("equal"),
    field<&Verdict::job>("job"),
    field<&Verdict::run>("run", "the run that loaded the rows; \"\" when none is recorded"),
    field<&Verdict::run_status>("run_status"),
    field<&Verdict::run_now>("run_now",
                             "what lugger.now() gave in that run, and in this comparison"),
    field<&Verdict::script_hash>("script_hash"),
    field<&Verdict::mapping_hash>("mapping_hash", "of tables, columns, types and paths"),
    field<&Verdict::source>("source", "secrets masked"),
    field<&Verdict::source_identity>("source_identity"),
    field<&Verdict::target>("target", "secrets masked"),
    field<&Verdict::target_identity>("target_identity"),
    field<&Verdict::server>("server"),
    field<&Verdict::position>("position", "the snapshot the target was read in"),
    field<&Verdict::source_position>("source_position",
                                     "with live: up to when the source was seen"),
    field<&Verdict::applied_position>("applied_position",
                                      "with live: up to when changes were applied"),
    field<&Verdict::changing>("changing",
                              "with live: documents that did not stand still long enough"),
    field<&Verdict::started>("started", "ISO, UTC"),
    field<&Verdict::finished>("finished", "ISO, UTC"),
    field<&Verdict::seconds>("seconds"),
    field<&Verdict::seed>("seed", "of the digests and the sample"),
    field<&Verdict::documents>("documents", "read"),
    field<&Verdict::skipped>("skipped", "by the hook: not expected"),
    field<&Verdict::rejected>("rejected", "by the mapping: not expected"),
    field<&Verdict::kept_rejects>("kept_rejects", "among the rejects of the load: not expected"),
    field<&Verdict::unmapped>("unmapped", "path -> documents; no column takes it"),
    field<&Verdict::replaced>("replaced", "table.column -> values that on_error replaced"),
    field<&Verdict::skip_reasons>("skip_reasons"),
    field<&Verdict::reject_codes>("reject_codes"),
    field<&Verdict::tables>("tables"),
    field<&Verdict::altered>("altered"),
    field<&Verdict::rows>("rows", "the first of each table and kind"),
    field<&Verdict::window>("window", "--since in words; \"\" when not asked for"),
    field<&Verdict::where>("where"),
    field<&Verdict::columns>("columns", "those of --columns; \"\": all"),
    field<&Verdict::sample>("sample", "what the sample proves, in words"),
    field<&Verdict::looked_for_missing>("looked_for_missing"),
    field<&Verdict::looked_for_extra>("looked_for_extra"),
    field<&Verdict::recall>("recall", "nil when searches were not compared"),
    field<&Verdict::reasons>("reasons",
                             "why it cannot be called equal, beyond rows and columns: \"the load "
                             "is not finished\""),
    field<&Verdict::notes>("notes"),
    field<&Verdict::warnings>("warnings"),
};
Record<Verdict> record_of(const Verdict*) { return {"lugger.verdict", "", kVerdict}; }

static constexpr Field<RepairResult> kRepairResult[] = {
    field<&RepairResult::applied>("applied"),
    field<&RepairResult::run>("run", "its run in the ledger; \"\" when nothing was written"),
    field<&RepairResult::documents>("documents", "written again, or that would be"),
    field<&RepairResult::deleted>("deleted", "rows"),
    field<&RepairResult::extra_left>(
        "extra_left", "rows that no document makes, and that stay without delete_extra"),
    field<&RepairResult::beyond_keys>(
        "beyond_keys", "extra rows that no key tells from the right ones: they stay"),
    field<&RepairResult::of_refused>("of_refused",
                                     "extra rows of documents that were refused: they stay"),
    field<&RepairResult::refused>(
        "refused", "why the extra rows would not be deleted; \"\" when nothing is in the way"),
    field<&RepairResult::rounds>("rounds"),
    field<&RepairResult::notes>("notes"),
};
Record<RepairResult> record_of(const RepairResult*) { return {"lugger.repair", "", kRepairResult}; }

static constexpr Field<VerifySnapshot> kVerifySnapshot[] = {
    field<&VerifySnapshot::stage>("stage"),
    field<&VerifySnapshot::documents>("documents"),
    field<&VerifySnapshot::bytes>("bytes"),
    field<&VerifySnapshot::total_bytes>("total_bytes", "0: unknown"),
    field<&VerifySnapshot::rows>("rows", "of the target"),
    field<&VerifySnapshot::seconds>("seconds"),
    field<&VerifySnapshot::waits_for>("waits_for",
                                      "why it does nothing at the moment; \"\" while it works"),
};
Record<VerifySnapshot> record_of(const VerifySnapshot*) {
  return {"lugger.verify_snapshot", "", kVerifySnapshot};
}

template <auto Model>
static void read_model(lua_State* L, std::string_view, RecallOptions& out) {
  out.*Model = userdata_pointer<Embedder>(L, lua_gettop(L));
}

static constexpr Reader<RecallOptions> kRecallOptions[] = {
    reader<&RecallOptions::column>("column"),
    {"k", [](lua_State* L, std::string_view key,
             RecallOptions& out) { out.k = whole_or<uint64_t>(L, -1, key, 1, out.k); }},
    {"sample",
     [](lua_State* L, std::string_view key, RecallOptions& out) {
       out.sample = whole_or<uint64_t>(L, -1, key, 1, out.sample);
     }},
    reader<&RecallOptions::queries>("queries"),
    reader<&RecallOptions::metric>("metric"),
    reader<&RecallOptions::least>("least"),
    {"source_model", read_model<&RecallOptions::source_model>},
    {"target_model", read_model<&RecallOptions::target_model>},
};

static void read_recall(lua_State* L, std::string_view key, VerifyOptions& out) {
  read_table(L, -1, std::string(key), kRecallOptions, out.recall.emplace());
}

static constexpr Reader<VerifyOptions> kOptions[] = {
    reader<&VerifyOptions::jobs>("jobs"),
    reader<&VerifyOptions::sample>("sample"),
    reader<&VerifyOptions::seed>("seed"),
    reader<&VerifyOptions::where>("where"),
    reader<&VerifyOptions::since>("since"),
    reader<&VerifyOptions::since_field>("since_field"),
    reader<&VerifyOptions::columns>("columns"),
    reader<&VerifyOptions::limit_shown>("limit_shown"),
    reader<&VerifyOptions::live>("live"),
    reader<&VerifyOptions::rechecks>("rechecks"),
    {"recall", read_recall},
    reader<&VerifyOptions::group_rows>("group_rows"),
    reader<&VerifyOptions::where_of_all>("where_of_all"),
    reader<&VerifyOptions::overwrite_newer>("overwrite_newer"),
};

VerifyOptions read_verify_options(lua_State* L, int index) {
  VerifyOptions out;
  if (!lua_isnoneornil(L, index)) read_table(L, index, "verify", kOptions, out);
  return out;
}

}  // namespace lugger
