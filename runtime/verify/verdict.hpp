// What a verification found.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "place/compared.hpp"

namespace lugger {

enum class FindingKind : uint8_t { kMissing, kExtra, kDifferent };
std::string_view finding_word(FindingKind kind) noexcept;

/// Both values of one column as text; nullopt is NULL.
struct ColumnDifference {
  std::string column;
  std::optional<std::string> source, target;
};

/// One wrong row.
struct RowFinding {
  FindingKind kind = FindingKind::kMissing;
  std::string table;
  // "mongo_id=64f1..., ordinal=2"; all values for a table without a key.
  std::string key;
  // kDifferent: the columns that differ; otherwise all compared columns.
  std::vector<ColumnDifference> columns;
};

/// source = equal + missing + different + older; target = equal + extra + different + newer. For a
/// narrowed verification, `looked_for_*` say which of these it can find.
struct TableVerdict {
  std::string table;
  uint64_t source = 0;
  uint64_t target = 0;
  uint64_t equal = 0;
  uint64_t missing = 0;
  uint64_t extra = 0;
  uint64_t different = 0;
  // Rows in the target that are newer than their document, as on_conflict = newer keeps them.
  uint64_t newer = 0;
  // The source's rows for those.
  uint64_t older = 0;
  // Equal rows among those that were compared one by one.
  uint64_t matched = 0;
  // Source rows that were replaced by another row of the same key.
  uint64_t duplicates = 0;
  // Rows that differed at first but not when they were read again.
  uint64_t settled = 0;
  // Hex digest of all rows read, independent of their order.
  std::string source_digest;
  std::string target_digest;
  // Of a verification under writes: in how many rows a column differs.
  std::map<std::string, uint64_t> differing;
  // The columns that were compared, and the columns of the mapping that were not.
  std::vector<std::string> columns;
  std::vector<std::string> left_out;
};

/// The counts of rows alone.
void add_counts(TableVerdict& to, const TableVerdict& more) noexcept;

/// The search of one side, measured against all its vectors.
struct RecallSide {
  std::string how;             // "index docs_idx (hnsw), hnsw.ef_search = 40"; "": it has no search
  uint64_t vectors = 0;        // compared with every query that may find them
  uint64_t without = 0;        // rows without a vector
  uint64_t other_size = 0;     // vectors of other dimensions than the queries'
  uint64_t returned = 0;       // hits
  uint64_t wanted = 0;         // what k asks for, as far as there are so many
  uint64_t short_answers = 0;  // queries that were given fewer than wanted
  double recall = 0;           // share of the exact neighbours that were found, mean of all queries
  double worst = 0;            // of the worst query
};

struct RecallQuery {
  std::string query;              // the key of a sampled vector, or the line of a file
  std::string filter;             // "tenant = a"; "": none
  double source = 0, target = 0;  // recall of each side
  double overlap = 0;             // of both answers
  uint64_t source_hits = 0, target_hits = 0;
};

/// Shares are from 0 to 1. Recall is of a side's own search against its own exact neighbours; the
/// rest compares the answers of both sides. A side without a search answers with its exact
/// neighbours.
struct RecallVerdict {
  bool good = false;
  std::string column, metric;
  std::string queries_from;  // "100 stored vectors (seed 42)", "queries.jsonl"
  uint64_t k = 0;
  double least = 0;
  RecallSide source, target;
  uint64_t queries_tested = 0;
  uint64_t nothing_to_find = 0;  // queries that no vector of either side can answer: not tested
  double avg_result_overlap = 0;
  uint64_t perfect_matches = 0;  // queries with the same hits on both sides
  double exact_overlap = 0;      // of the exact neighbours of both sides
  // Kendall's tau of the hits that both sides have; none: no query has two of them
  std::optional<double> rank_agreement;
  double mean_score_delta = 0, largest_score_delta = 0;  // of one vector's exact scores
  std::vector<RecallQuery> worst;                        // the five of the target, then those of the source
};

struct Verdict {
  bool equal = false;
  std::string job, run, run_status, run_now, script_hash, mapping_hash;
  std::string source, source_identity, target, target_identity, server, position;
  // Of a verification under writes: up to when the source was seen, and changes were applied.
  std::string source_position, applied_position;
  std::string started, finished;  // ISO, UTC
  double seconds = 0;
  uint64_t seed = 0;
  uint64_t documents = 0, skipped = 0, rejected = 0, kept_rejects = 0;
  uint64_t changing = 0;     // documents that did not stand still: neither equal nor wrong
  uint64_t without_key = 0;  // refused documents whose rows cannot be told from extra rows
  std::map<std::string, uint64_t> unmapped, skip_reasons, reject_codes;
  std::map<std::string, uint64_t> replaced;  // "users.age" -> number of values, by on_error
  std::vector<TableVerdict> tables;
  std::vector<ColumnFinding> altered;
  std::vector<RowFinding> rows;                // the first few for each table and kind
  std::string window, where, sample, columns;  // how it was narrowed, in words; "": it was not
  std::optional<RecallVerdict> recall = {};
  bool looked_for_missing = true, looked_for_extra = true;
  bool source_moves = false;         // a live source: its rows are read again too
  std::vector<std::string> reasons;  // other reasons why this is not "equal"
  std::vector<std::string> notes, warnings;
};

}  // namespace lugger
