#include "postgres/toml_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "plan/vectors_type.hpp"
#include "vector/metric.hpp"

namespace lugger {
namespace {

struct Metric {
  std::string_view word, pgvector, vectors;  // in the names of operator classes; "": there is none
};
constexpr std::array kMetrics = {
    Metric{"l2", "l2", "l2"},          Metric{"dot", "ip", "dot"},
    Metric{"cosine", "cosine", "cos"}, Metric{"hamming", "", "hamming"},
    Metric{"jaccard", "", "jaccard"},
};

/// A parameter that the job gives as a word, and its section of the TOML.
struct Parameter {
  std::string_view method, name, section;
  int low, high;
};
constexpr std::array kParameters = {
    Parameter{"vectors", "m", "indexing.hnsw", 4, 128},
    Parameter{"vectors", "ef_construction", "indexing.hnsw", 10, 2000},
    Parameter{"vectors", "nlist", "indexing.ivf", 1, 1000000},
    Parameter{"vchordrq", "lists", "build.internal", 1, 1 << 30},
};

[[noreturn]] void refuse(const std::string& message, std::string hint) {
  throw Error(Code::kConfig, message, std::move(hint));
}

std::string toml_of(const IndexMapping& index) {
  const auto given = index.with.find("options");
  if (given != index.with.end()) {
    if (index.with.size() != 1)
      refuse(fmt::format("with: {} has options and other parameters", index.method),
             "write all of them into the TOML of options");
    return given->second;
  }
  std::string out, section;
  for (const Parameter& known : kParameters) {
    const auto one = index.with.find(std::string(known.name));
    if (known.method != index.method || one == index.with.end()) continue;
    const int number = std::atoi(one->second.c_str());
    if (std::to_string(number) != one->second || number < known.low || number > known.high)
      refuse(fmt::format("with: {} = {} is not a number from {} to {}", known.name, one->second,
                         known.low, known.high),
             "correct the index");
    if (!section.empty() && section != known.section)
      refuse("with: nlist belongs to an ivf index, m and ef_construction to an hnsw index",
             "give those of one kind");
    if (section.empty()) out += fmt::format("[{}]\n", known.section);
    section = known.section;
    const bool list = known.method == "vchordrq";
    out += fmt::format("{} = {}{}{}\n", known.name, list ? "[" : "", number, list ? "]" : "");
  }
  for (const auto& [name, value] : index.with) {
    const bool known = std::ranges::any_of(kParameters, [&](const Parameter& one) {
      return one.method == index.method && one.name == name;
    });
    if (!known)
      refuse(fmt::format("with: {} has no parameter {}", index.method, name),
             "give options = '...', the TOML that the extension documents");
  }
  return out;
}

/// "vectors.vecf16" of "vectors.vecf16(3)".
std::string bare_type(const ColumnType& type) { return type.sql.substr(0, type.sql.find('(')); }

std::string class_of_vectors(const IndexMapping& index, const Column& column,
                             const Metric& metric) {
  const bool bits = column.type.kind == Kind::kBit;
  const bool of_bits = metric.pgvector.empty(), fits = metric.word == "dot" || bits == of_bits;
  if (!of_vectors(column.type))
    refuse(fmt::format("vectors: {} is {}, which the extension does not index", column.name,
                       column.type.sql),
           "give the column one of its types, as vectors.vector(1536); pgvector's have hnsw");
  if (!fits)
    refuse(
        fmt::format("{}: {} has no metric {}", index.method, bare_type(column.type), metric.word),
        bits ? "bits have hamming, jaccard and dot" : "it has l2, dot and cosine");
  return fmt::format("{}_{}_ops", bare_type(column.type), metric.vectors);
}

std::string class_of_vchord(const IndexMapping& index, const Column& column, const Metric& metric) {
  const bool dense = column.type.kind == Kind::kVector || column.type.kind == Kind::kHalfvec;
  if (!dense || of_vectors(column.type) || metric.pgvector.empty())
    refuse(
        fmt::format("{}: there is none of {} by {}", index.method, bare_type(column.type),
                    metric.word),
        "VectorChord indexes pgvector's vector and halfvec by l2, dot and cosine; sparse vectors "
        "and bits have hnsw");
  return fmt::format("{}_{}_ops", column.type.kind == Kind::kHalfvec ? "halfvec" : "vector",
                     metric.pgvector);
}

}  // namespace

bool is_toml_index(std::string_view method) noexcept {
  return method == "vectors" || method == "vchordrq" || method == "vchordg";
}

IndexMapping spelled_toml_index(const IndexMapping& index, const TablePlan& table) {
  IndexMapping out = index;
  if (index.unique || !index.include.empty() || index.columns.size() != 1)
    refuse(fmt::format("{} indexes one column, is never unique and includes nothing", index.method),
           "write an index for each column");
  std::string toml = toml_of(index);
  out.with.clear();
  if (!toml.empty()) out.with["options"] = std::move(toml);
  if (!index.opclass.empty() || index.columns[0].starts_with('(')) return out;
  if (!index.metric.empty()) check_metric(index.metric);
  const auto* metric = std::ranges::find(kMetrics, index.metric, &Metric::word);
  if (metric == kMetrics.end())
    refuse(index.metric.empty()
               ? fmt::format("{}: no metric is given for {}", index.method, index.columns[0])
               : fmt::format("{} has no metric {}", index.method, index.metric),
           "say what queries order by: metric = 'cosine', 'l2' or 'dot', of bits 'hamming'");
  const auto column = std::ranges::find(table.columns, index.columns[0], &Column::name);
  if (column == table.columns.end()) return out;
  out.opclass = index.method == "vectors" ? class_of_vectors(index, *column, *metric)
                                          : class_of_vchord(index, *column, *metric);
  if (column->type.length == 0)
    refuse(
        fmt::format("{}: {} has no dimensions, which an index needs", index.method, column->name),
        fmt::format("write them into its type, as {}(1536)", column->type.sql));
  return out;
}

bool is_indexing(PgSession& session, const StageStep& step) {
  if (step.method != "vectors") return false;
  const PgRows rows = session.query(
      "SELECT s.idx_indexing FROM vectors.pg_vector_index_stat s JOIN pg_catalog.pg_class i ON "
      "i.oid = s.indexrelid WHERE s.tablerelid = pg_catalog.to_regclass($1) AND i.relname = $2",
      {PgSession::quote_table(step.table), step.name});
  return rows.size() != 0 && rows.text(0, 0) == "t";
}

}  // namespace lugger
