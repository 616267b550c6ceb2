// The queries of a recall: those of a file, or stored vectors drawn at random.
#pragma once
#include <map>
#include <mutex>

#include "place/search.hpp"
#include "verify/context.hpp"
#include "verify/source_pass.hpp"

namespace lugger {

/// The column that is searched, as both sides have it.
struct RecallColumn {
  const ComparedTable* table = nullptr;
  size_t vector = 0;        // indices into the table's columns
  std::vector<size_t> key;  // the same

  const ComparedColumn& column() const noexcept { return table->columns[vector]; }
};

/// The vector that a row of the source comes from: that of its document, as the source's own search
/// has it, before the mapping rounds it; where the document has no numbers, the mapping's.
class SourceVector {
 public:
  SourceVector(const PlanShape& shape, const RecallColumn& column);
  /// Valid until the next call.
  const Value& of(const SourceRow& row);
  /// Where the source has what a column of the target holds.
  static std::string path(const PlanShape& shape, const RecallColumn& column, size_t c);

 private:
  const RecallColumn& column_;
  std::vector<std::string> path_;
  Arena arena_{4096};
  Value value_;
};

/// The column of the job's own table that the options name, or the only one with vectors.
/// Error{config}: there is none, or the table has no key.
RecallColumn recall_column(const Comparison& comparison, const std::string& name);

/// Queries with the same filter; most have none.
struct QueryGroup {
  SearchFilter filter;           // by names of the target's columns
  std::vector<size_t> columns;   // of the filter: indices into the table's columns
  std::vector<float> numbers;    // one query behind another
  std::vector<std::string> ids;  // of the queries
};

struct QuerySet {
  size_t dimensions = 0;
  std::vector<QueryGroup> groups;
  std::string from;  // for the verdict

  size_t size() const noexcept;
  Floats query(const QueryGroup& group, size_t i) const noexcept {
    return Floats(group.numbers).subspan(i * dimensions, dimensions);
  }
};

std::string filter_words(const SearchFilter& filter);

/// The queries as each side is asked them: those of a text may be two vectors.
struct BothQueries {
  QuerySet source, target;
};

/// Lines of JSON: { "vector": [..], "filter": { "tenant": "a" } }; the vector may also have the
/// column's name, and in place of it there may be a "text", of which the models of the options make
/// vectors. Error{read} names the line of a query that cannot be used.
BothQueries read_queries(const RecallOptions& options, const RecallColumn& column);

/// Reads the source once and draws `count` of its vectors, by the context's seed.
QuerySet sample_queries(VerifyContext& context, const RecallColumn& column, uint64_t count);

}  // namespace lugger
