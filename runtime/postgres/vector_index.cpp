#include "postgres/vector_index.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"
#include "plan/vectors_type.hpp"
#include "postgres/settings.hpp"
#include "postgres/toml_index.hpp"
#include "vector/metric.hpp"

namespace lugger {
namespace {

/// What pgvector's operator classes are called, and for which methods there is one.
struct Family {
  Kind kind;
  std::string_view name;
  int hnsw, ivfflat;  // most dimensions; 0: no such index
};
constexpr std::array kFamilies = {
    Family{Kind::kVector, "vector", 2000, 2000},
    Family{Kind::kHalfvec, "halfvec", 4000, 4000},
    Family{Kind::kSparsevec, "sparsevec", 1000000000, 0},
    Family{Kind::kBit, "bit", 64000, 64000},
};
constexpr int kMostHalf = 4000;
constexpr const char* kMetricsOfBits = "bits have hamming, and in hnsw jaccard";
constexpr const char* kMetricsOfOthers = "it has l2, dot and cosine, and in hnsw l1";

struct Parameter {
  std::string_view method, name;
  int low, high;
};
constexpr std::array kParameters = {
    Parameter{"hnsw", "m", 2, 100},
    Parameter{"hnsw", "ef_construction", 4, 1000},
    Parameter{"ivfflat", "lists", 1, 32768},
};

[[noreturn]] void refuse(const std::string& message, std::string hint) {
  throw Error(Code::kConfig, message, std::move(hint));
}

int number_in(const std::string& text) noexcept {
  int out = -1;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size() ? out : -1;
}

void check_parameters(const IndexMapping& index) {
  for (const auto& [name, value] : index.with) {
    const auto* known = std::ranges::find_if(kParameters, [&](const Parameter& one) {
      return one.method == index.method && one.name == name;
    });
    if (known == kParameters.end())
      refuse(fmt::format("with: {} has no parameter {}", index.method, name),
             index.method == "hnsw" ? "it has m and ef_construction" : "it has lists");
    const int number = number_in(value);
    if (number < known->low || number > known->high)
      refuse(fmt::format("with: {} = {} is not a number from {} to {}", name, value, known->low,
                         known->high),
             "correct the index");
  }
  const auto m = index.with.find("m"), ef = index.with.find("ef_construction");
  const int least = 2 * (m == index.with.end() ? 16 : number_in(m->second));
  const int given = ef == index.with.end() ? 64 : number_in(ef->second);
  if (index.method == "hnsw" && given < least)
    refuse(fmt::format("with: ef_construction is {}, and with this m at least {} is wanted", given,
                       least),
           fmt::format("write ef_construction = {}", least));
}

bool has_class(std::string_view method, Kind kind, std::string_view metric) noexcept {
  if (kind == Kind::kBit) return metric == "hamming" || (metric == "jaccard" && method == "hnsw");
  if (metric == "l1") return method == "hnsw";
  return metric == "l2" || metric == "dot" || metric == "cosine";
}

std::string class_name(std::string_view family, std::string_view metric) {
  return fmt::format("{}_{}_ops", family, metric == "dot" ? "ip" : metric);
}

void check_dimensions(const IndexMapping& index, const Column& column, int most) {
  const int dimensions = column.type.length;
  if (dimensions == 0)
    refuse(fmt::format("{}: {} has no dimensions, which an index needs", index.method, column.name),
           fmt::format("write them into its type, as {}(1536), or index an expression: "
                       "'(({}::{}(1536)))'",
                       column.type.sql, column.name, column.type.sql));
  if (dimensions <= most) return;
  refuse(fmt::format("{}: {} has {} dimensions, and {} takes at most {}", index.method, column.name,
                     dimensions, column.type.sql, most),
         fmt::format("index a part of it, as in columns = {{ "
                     "'((binary_quantize({})::bit({})))' }}, metric = 'hamming'",
                     column.name, dimensions));
}

/// By the type that the expression is cast to last: "((embedding)::halfvec(3072))".
std::string class_of_expression(const IndexMapping& index) {
  const std::string& text = index.columns[0];
  const size_t cast = text.rfind("::");
  std::string_view type = cast == std::string::npos ? "" : std::string_view(text).substr(cast + 2);
  type = type.substr(0, type.find_first_of("() "));
  type = type.substr(type.rfind('.') + 1);
  const auto* family = std::ranges::find(kFamilies, type, &Family::name);
  if (family == kFamilies.end())
    refuse(fmt::format("{}: nothing tells the type of {}, and so the operator class", index.method,
                       text),
           "end it with a cast, as in '((embedding)::halfvec(3072))', or give opclass = "
           "'halfvec_cosine_ops'");
  if (!has_class(index.method, family->kind, index.metric))
    refuse(fmt::format("{}: {} has no metric {}", index.method, family->name, index.metric),
           family->kind == Kind::kBit ? kMetricsOfBits : kMetricsOfOthers);
  return class_name(family->name, index.metric);
}

/// "vector" or "x.vector(3)" as halfvec of the same schema.
std::string as_halfvec(const ColumnType& type) {
  const std::string name = type.sql.substr(0, type.sql.rfind('('));
  return fmt::format("{}halfvec({})", name.substr(0, name.rfind('.') + 1), type.length);
}

uint64_t bytes_of(PgSession& session, const std::string& setting) {
  return std::stoull(
      session.query("SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting($1))", {setting})
          .text(0, 0));
}

/// "0.8.2" as 802, good for comparing; 0: not found.
int extension_version(PgSession& session) {
  const PgRows found = session.query(
      "SELECT pg_catalog.split_part(extversion, '.', 1)::int * 10000 + "
      "pg_catalog.split_part(extversion, '.', 2)::int * 100 + "
      "coalesce(nullif(pg_catalog.split_part(extversion, '.', 3), '')::int, 0) "
      "FROM pg_catalog.pg_extension WHERE extname = 'vector'");
  return found.size() == 0 ? 0 : std::stoi(found.text(0, 0));
}

/// About what a graph takes in memory: each row has its vector and its neighbours.
uint64_t graph_bytes(PgSession& session, const StageStep& step) {
  constexpr uint64_t kElement = 160, kNeighbour = 36;
  const std::string table = PgSession::quote_table(step.table);
  const PgRows rows = session.query(fmt::format("SELECT pg_catalog.count(*) FROM {}", table));
  const PgRows size = session.query(
      fmt::format("SELECT coalesce(pg_catalog.avg(pg_catalog.pg_column_size(e)), 0)::int8 FROM "
                  "(SELECT {} AS e FROM {} LIMIT 1000) AS q",
                  step.element, table));
  return std::stoull(rows.text(0, 0)) *
         (std::stoull(size.text(0, 0)) + kElement + kNeighbour * static_cast<uint64_t>(step.m));
}

bool is_of_pgvector(std::string_view method) noexcept {
  return method == "hnsw" || method == "ivfflat";
}

uint64_t free_shared_memory() noexcept {
  struct statvfs room {};
  if (statvfs("/dev/shm", &room) != 0) return UINT64_MAX;
  return uint64_t{room.f_bavail} * room.f_frsize;
}

}  // namespace

bool is_vector_index(std::string_view method) noexcept {
  return is_of_pgvector(method) || is_toml_index(method);
}

IndexMapping spelled_vector_index(const IndexMapping& index, const TablePlan& table) {
  IndexMapping out = index;
  if (is_toml_index(index.method)) return spelled_toml_index(index, table);
  if (!is_vector_index(index.method)) {
    if (!index.metric.empty())
      refuse("metric belongs to method = 'hnsw' or 'ivfflat'", "name the method, or leave it out");
    return out;
  }
  check_parameters(index);
  if (index.unique || !index.include.empty() || index.columns.size() != 1)
    refuse(fmt::format("{} indexes one column, is never unique and includes nothing", index.method),
           "write an index for each column");
  if (!index.metric.empty()) check_metric(index.metric);
  const bool expression = index.columns[0].starts_with('(');
  if (index.metric.empty() && index.opclass.empty() && index.method == "hnsw" &&
      (!expression || index.columns[0].ends_with(')')))
    refuse(fmt::format("hnsw: no metric is given for {}", index.columns[0]),
           "say what queries order by: metric = 'cosine', 'l2' or 'dot'");
  if (expression) {
    if (!index.metric.empty() && index.opclass.empty() && index.columns[0].ends_with(')'))
      out.opclass = class_of_expression(index);
    return out;
  }
  const auto column = std::ranges::find(table.columns, index.columns[0], &Column::name);
  if (column == table.columns.end()) return out;
  if (of_vectors(column->type))
    refuse(fmt::format("{}: {} is of PGVecto.rs, which pgvector does not index", index.method,
                       column->name),
           "use method = 'vectors'");
  const auto* family = std::ranges::find(kFamilies, column->type.kind, &Family::kind);
  if (family == kFamilies.end()) return out;
  const int most = index.method == "hnsw" ? family->hnsw : family->ivfflat;
  if (most == 0)
    refuse(fmt::format("ivfflat: there is none of {}", family->name), "use method = 'hnsw'");
  const bool half = column->type.kind == Kind::kVector && column->type.length > most &&
                    column->type.length <= kMostHalf && index.opclass.empty();
  if (!half && column->type.kind != Kind::kSparsevec) check_dimensions(index, *column, most);
  const std::string metric = index.metric.empty() ? "l2" : index.metric;
  if (index.opclass.empty() && !has_class(index.method, column->type.kind, metric))
    refuse(fmt::format("{}: {} has no metric {}", index.method, family->name, metric),
           column->type.kind == Kind::kBit ? kMetricsOfBits : kMetricsOfOthers);
  if (index.opclass.empty()) out.opclass = class_name(half ? "halfvec" : family->name, metric);
  if (half)
    out.columns[0] =
        fmt::format("({}::{})", PgSession::quote_name(column->name), as_halfvec(column->type));
  return out;
}

VectorBuild prepare_vector_build(PgSession& session, const StageStep& step) {
  VectorBuild out;
  if (step.method != "hnsw") return out;
  constexpr int kOverflowMended = 802;  // of 0.8.2
  const int version = extension_version(session);
  const uint64_t memory = bytes_of(session, "maintenance_work_mem");
  const bool shared = session.query("SHOW max_parallel_maintenance_workers").text(0, 0) != "0" &&
                      session.query("SHOW max_parallel_workers").text(0, 0) != "0";
  const uint64_t graph = graph_bytes(session, step);
  std::string alone;
  if (shared && version < kOverflowMended)
    alone = "pgvector before 0.8.2 may overflow a buffer in a parallel build";
  else if (shared && is_local_host(PQhost(session.raw())) &&
           std::min(graph, memory) > free_shared_memory())
    alone = fmt::format("/dev/shm has {} free, and workers share the graph there",
                        human_bytes(free_shared_memory()));
  if (!alone.empty()) {
    out.settings = "SET max_parallel_maintenance_workers = 0";
    out.notes.push_back(fmt::format("{}: built without parallel workers: {}", step.name, alone));
  }
  if (graph > memory)
    out.notes.push_back(fmt::format(
        "{}: its graph takes about {}, and maintenance_work_mem is {}: the last part of the build "
        "is slow; --index-memory {}MB holds it",
        step.name, human_bytes(graph), human_bytes(memory), graph / (1 << 20) * 5 / 4 + 1));
  return out;
}

bool lacks_shared_memory(const Error& error) {
  return error.sqlstate() == "53100" && error.message().find("shared memory") != std::string::npos;
}

std::string left_out_of_index(PgSession& session, const StageStep& step) {
  const bool cosine = step.body.find("_cosine_ops") != std::string::npos;
  const bool ip = step.method == "ivfflat" && step.body.find("_ip_ops") != std::string::npos;
  if (!is_of_pgvector(step.method) || (!cosine && !ip)) return {};
  // As the index asks, in double: a distance is NaN for very large elements too.
  const bool dense = step.body.find("halfvec_") == std::string::npos &&
                     step.body.find("sparsevec_") == std::string::npos;
  const std::string zeros =
      session
          .query(fmt::format("SELECT pg_catalog.count(*) FROM {} WHERE {}({}) = 0{}",
                             PgSession::quote_table(step.table), dense ? "vector_norm" : "l2_norm",
                             step.element, step.where.empty() ? "" : " AND (" + step.where + ")"))
          .text(0, 0);
  if (zeros == "0") return {};
  return fmt::format(
      "{}: {} rows are not in it, since their vectors are all zeros: no search by "
      "it finds them",
      step.name, zeros);
}

}  // namespace lugger
