#include "postgres/search.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "postgres/array_text.hpp"
#include "postgres/search_plan.hpp"
#include "postgres/search_settings.hpp"
#include "postgres/vectors_types.hpp"
#include "value/path.hpp"

namespace lugger {
namespace {

struct Operator {
  Metric metric;
  std::string_view pgvector, vectors;  // "": it has none
};
// pgvector, README, "Querying", and PGVecto.rs: the operators of each distance. The same sign means
// something else in the other extension.
constexpr std::array<Operator, 6> kOperators = {{{Metric::kCosine, "<=>", "<=>"},
                                                 {Metric::kDot, "<#>", "<#>"},
                                                 {Metric::kL2, "<->", "<->"},
                                                 {Metric::kL1, "<+>", ""},
                                                 {Metric::kHamming, "<~>", "<->"},
                                                 {Metric::kJaccard, "<%>", "<~>"}}};

std::string_view operator_of(Metric metric, bool of_vectors) {
  for (const Operator& each : kOperators)
    if (each.metric == metric) return of_vectors ? each.vectors : each.pgvector;
  raise(Code::kBug, "a metric without an operator");
}

/// PGVecto.rs' <-> is of bits what Hamming's distance is.
std::optional<Metric> metric_of_operator(std::string_view name, bool of_vectors, bool bits) {
  for (const Operator& each : kOperators) {
    const bool here = name == (of_vectors ? each.vectors : each.pgvector);
    if (here && (!of_vectors || name != "<->" || bits == (each.metric == Metric::kHamming)))
      return each.metric;
  }
  return std::nullopt;
}

/// What is ordered by, as SQL.
struct Searched {
  std::string expression;  // "embedding", or an index's "(embedding)::halfvec(3072)"
  std::string type;        // of the expression, to cast the query to
  std::string family;      // of that type: "vector", "halfvec", "sparsevec", "bit", "svector" ...
  std::string op;          // "public.<=>"
  Metric metric = Metric::kCosine;
  bool of_vectors = false;  // PGVecto.rs
};

/// The types of PGVecto.rs, of a version whose operators mean what they mean today.
VectorsTypes vectors_types(PgSession& session) {
  VectorsTypes types(session);
  if (types.version().starts_with("0.1."))
    throw Error(Code::kConfig,
                fmt::format("PGVecto.rs {}: its <=> is minus the cosine, and not the distance",
                            types.version()),
                "search after ALTER EXTENSION vectors UPDATE, or where the vectors are moved to");
  return types;
}

std::string operator_text(const std::string& schema, std::string_view name) {
  return fmt::format("OPERATOR({}.{})", PgSession::quote_name(schema), name);
}

/// Indexes that search by distance are of a column, or of a cast of it. Those of binary_quantize()
/// only make candidates, which an application must score again itself.
std::optional<Searched> find_index(PgSession& session, const VectorsTypes& types,
                                   const SearchSpec& spec) {
  const PgRows rows = session.query(
      "SELECT CASE WHEN x.indkey[0] = 0 THEN pg_catalog.pg_get_indexdef(x.indexrelid, 1, false) "
      "ELSE pg_catalog.quote_ident(a.attname) END, "
      "pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.typname), t.typname, "
      "o.oprname, n.nspname, t.oid FROM pg_catalog.pg_index x "
      "JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid "
      "JOIN pg_catalog.pg_am m ON m.oid = i.relam "
      "JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attname = $2 "
      "JOIN pg_catalog.pg_opclass c ON c.oid = x.indclass[0] "
      "JOIN pg_catalog.pg_type t ON t.oid = c.opcintype "
      "JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace "
      "JOIN pg_catalog.pg_amop p ON p.amopfamily = c.opcfamily AND p.amoppurpose = 'o' "
      "AND p.amopstrategy = 1 JOIN pg_catalog.pg_operator o ON o.oid = p.amopopr "
      "JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace "
      "WHERE x.indrelid = $1::pg_catalog.regclass AND x.indisvalid AND x.indpred IS NULL "
      "AND x.indnkeyatts = 1 "
      "AND m.amname IN ('hnsw', 'ivfflat', 'vectors', 'vchordrq', 'vchordg') "
      "AND (t.typname <> 'bit' OR a.atttypid = t.oid) "
      "AND EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = "
      "'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = x.indexrelid "
      "AND d.refobjid = x.indrelid AND d.refobjsubid = a.attnum) ORDER BY m.amname, i.relname",
      {PgSession::quote_table(spec.table), spec.vector});
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool of_vectors = types.of(rows.text(i, 5)) != nullptr;
    const std::optional<Metric> metric =
        metric_of_operator(rows.text(i, 3), of_vectors, rows.text(i, 2) == "bvector");
    if (!metric || (spec.metric && *spec.metric != *metric)) continue;
    return Searched{rows.text(i, 0), rows.text(i, 1),
                    rows.text(i, 2), operator_text(rows.text(i, 4), rows.text(i, 3)),
                    *metric,         of_vectors};
  }
  return std::nullopt;
}

bool is_of_pgvector(const std::string& type) {
  return type == "vector" || type == "halfvec" || type == "sparsevec" || type == "bit";
}

std::optional<Searched> find_column(PgSession& session, const VectorsTypes& known,
                                    const SearchSpec& spec) {
  const PgRows types = session.query(
      "SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname), "
      "t.typname, t.oid FROM pg_catalog.pg_attribute a "
      "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
      "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
      "WHERE a.attrelid = $1::pg_catalog.regclass AND a.attname = $2 AND NOT a.attisdropped",
      {PgSession::quote_table(spec.table), spec.vector});
  if (types.size() == 0)
    throw Error(Code::kConfig, fmt::format("{} has no column {}", spec.table, spec.vector),
                "name the column with the vectors");
  const bool bits = types.text(0, 1) == "bit" || types.text(0, 1) == "bvector";
  const Metric metric = spec.metric.value_or(bits ? Metric::kHamming : Metric::kCosine);
  const bool of_vectors = known.of(types.text(0, 2)) != nullptr;
  const PgRows schemas = session.query(
      "SELECT n.nspname FROM pg_catalog.pg_operator o "
      "JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace "
      "WHERE o.oprname = $1 AND o.oprleft = $2::pg_catalog.oid AND o.oprright = o.oprleft",
      {std::string(operator_of(metric, of_vectors)), types.text(0, 2)});
  if (schemas.size() == 0 && !of_vectors && !is_of_pgvector(types.text(0, 1))) return std::nullopt;
  if (schemas.size() == 0)
    throw Error(Code::kConfig,
                fmt::format("{}.{} is {}, which has no {} distance", spec.table, spec.vector,
                            types.text(0, 1), metric_word(metric)),
                "name another metric");
  return Searched{PgSession::quote_name(spec.vector),
                  types.text(0, 0),
                  types.text(0, 1),
                  operator_text(schemas.text(0, 0), operator_of(metric, of_vectors)),
                  metric,
                  of_vectors};
}

/// A query in the text form of the type: vector and halfvec "[1,0.5]", sparsevec "{1:1,2:0.5}/2",
/// bit "10"; of PGVecto.rs "{0:1,1:0.5}/2" and "[1,0]".
std::string query_text(Floats query, std::string_view family) {
  std::string out;
  const bool bits = family == "bit", sparse = family == "sparsevec" || family == "svector";
  const size_t first = family == "svector" ? 0 : 1;
  for (size_t i = 0; i < query.size(); ++i) {
    if (bits) {
      out += query[i] > 0 ? '1' : '0';
    } else if (family == "bvector") {
      fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",", query[i] > 0 ? '1' : '0');
    } else if (!sparse) {
      fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",", query[i]);
    } else if (query[i] != 0) {
      fmt::format_to(std::back_inserter(out), "{}{}:{}", out.empty() ? "" : ",", i + first,
                     query[i]);
    }
  }
  if (bits) return out;
  return sparse ? fmt::format("{{{}}}/{}", out, query.size()) : "[" + out + "]";
}

/// Operators give distances: the negative product for <#>. PGVecto.rs' <-> is the square of the
/// distance; a score is the same everywhere.
double score_of(double distance, const Searched& searched) {
  if (searched.metric == Metric::kCosine) return 1 - distance;
  if (searched.metric == Metric::kL2 && searched.of_vectors) return std::sqrt(distance);
  return searched.metric == Metric::kDot ? -distance : distance;
}

std::vector<std::string> names(PgSession& session, const std::string& table,
                               const std::string& query) {
  const PgRows rows = session.query(query, {PgSession::quote_table(table)});
  std::vector<std::string> out;
  for (size_t i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
  return out;
}

std::vector<std::string> primary_key(PgSession& session, const std::string& table) {
  return names(session, table,
               "SELECT a.attname FROM pg_catalog.pg_index x JOIN pg_catalog.pg_attribute a "
               "ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey) "
               "WHERE x.indrelid = $1::pg_catalog.regclass AND x.indisprimary "
               "ORDER BY pg_catalog.array_position(x.indkey::pg_catalog.int2[], a.attnum)");
}

/// What a hit is shown with: columns that the role may read, without vectors.
std::vector<std::string> shown_columns(PgSession& session, const std::string& table) {
  return names(session, table,
               "SELECT a.attname FROM pg_catalog.pg_attribute a "
               "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
               "WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 "
               "AND NOT a.attisdropped AND pg_catalog.regexp_replace(t.typname, '^_', '') "
               "NOT IN ('vector', 'halfvec', 'sparsevec', 'vecf16', 'svector', 'bvector', 'veci8') "
               "AND pg_catalog.has_column_privilege("
               "a.attrelid, a.attnum, 'SELECT') ORDER BY a.attnum");
}

/// The dimensions that a column of pgvector's types is declared with; 0: any.
size_t dimensions_of(PgSession& session, const SearchSpec& spec) {
  const PgRows rows = session.query(
      "SELECT greatest(a.atttypmod, 0) FROM pg_catalog.pg_attribute a WHERE a.attname = $2 "
      "AND a.attrelid = $1::pg_catalog.regclass AND NOT a.attisdropped",
      {PgSession::quote_table(spec.table), spec.vector});
  return rows.size() == 0 ? 0 : std::strtoull(rows.text(0, 0).c_str(), nullptr, 10);
}

class PgSearch final : public Search {
 public:
  PgSearch(std::unique_ptr<PgSession> session, const SearchSpec& spec, Searched searched,
           std::vector<PgSetting> settings)
      : session_(std::move(session)),
        spec_(spec),
        table_(PgSession::quote_table(spec.table)),
        searched_(std::move(searched)),
        settings_(std::move(settings)),
        dimensions_(dimensions_of(*session_, spec)) {
    if (!session_->pooled()) apply_settings(*session_, settings_, false);
    if (spec_.key.empty()) spec_.key = primary_key(*session_, spec.table);
    if (spec.documents) shown_ = shown_columns(*session_, spec.table);
  }

  Metric metric() const noexcept override { return searched_.metric; }
  const std::vector<std::string>& key() const noexcept override { return spec_.key; }

  std::string how() override {
    if (statement_.empty()) return {};
    const SettingsScope scope(*session_, settings_);
    return how_searched(*session_, table_, statement_, params_);
  }

  std::vector<Hit> nearest(Floats query, size_t k, const SearchFilter& filter) override {
    if (dimensions_ != 0 && query.size() != dimensions_) {
      throw Error(Code::kConfig,
                  fmt::format("different vector dimensions: {}.{} has {}, the query {}",
                              spec_.table, spec_.vector, dimensions_, query.size()),
                  "a query is made by the model that made the vectors of the column");
    }
    params_ = {query_text(query, searched_.family), std::to_string(k)};
    statement_ = statement(filter);
    const SettingsScope scope(*session_, settings_);
    const PgRows rows = session_->query(statement_, params_);
    std::vector<Hit> out;
    const size_t keys = spec_.key.size();
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto& row = rows[i];
      if (!row[keys]) continue;
      const double score = score_of(std::strtod(row[keys]->c_str(), nullptr), searched_);
      if (std::isnan(score)) continue;  // a vector of zeros has no cosine: it is near to nothing
      out.push_back({hit_key({row.begin(), row.begin() + static_cast<ptrdiff_t>(keys)}), score,
                     spec_.documents ? row[keys + 1].value_or("") : ""});
    }
    // Of relaxed_order the nearest may come a little later.
    std::ranges::stable_sort(out, [this](const Hit& a, const Hit& b) {
      return is_distance(searched_.metric) ? a.score < b.score : a.score > b.score;
    });
    return out;
  }

 private:
  std::string statement(const SearchFilter& filter) {
    std::string keys, where;
    for (const std::string& key : spec_.key) keys += PgSession::quote_name(key) + "::text, ";
    for (const auto& [name, value] : filter)
      where += (where.empty() ? " WHERE " : " AND ") + condition(name, value);
    const std::string distance =
        fmt::format("{} {} $1::text::{}", searched_.expression, searched_.op, searched_.type);
    std::string columns;
    for (const std::string& name : shown_) columns += ", " + PgSession::quote_name(name);
    const std::string nearest = fmt::format("SELECT {}{}{} FROM {}{} ORDER BY {} LIMIT $2::bigint",
                                            keys, distance, columns, table_, where, distance);
    return spec_.documents ? with_documents(nearest) : nearest;
  }

  /// Only of the rows that were found a document is made.
  std::string with_documents(const std::string& nearest) const {
    std::string names, keys, fields;
    for (size_t i = 0; i < spec_.key.size(); ++i) {
      names += fmt::format("k{}, ", i);
      keys += fmt::format("h.k{}, ", i);
    }
    names += "distance";
    for (size_t i = 0; i < shown_.size(); ++i) {
      names += fmt::format(", c{}", i);
      fields +=
          fmt::format("{}h.c{} AS {}", i == 0 ? "" : ", ", i, PgSession::quote_name(shown_[i]));
    }
    return fmt::format(
        "SELECT {}h.distance, (SELECT pg_catalog.row_to_json(d) FROM (SELECT {}) AS d) "
        "FROM ({}) AS h({}) ORDER BY h.distance",
        keys, fields, nearest, names);
  }

  /// "metadata.tenant" is a path into a json column, where there is no column of that name.
  std::string condition(const std::string& name, const std::string& value) {
    const size_t dot = name.find('.');
    const std::string outer = name.substr(0, dot);
    if (const std::string& type = type_of(name); !type.empty()) {
      params_.push_back(value);
      return fmt::format("{} = ${}::text::{}", PgSession::quote_name(name), params_.size(), type);
    }
    const std::string& type = type_of(outer);
    if (dot == std::string::npos || type.empty())
      throw Error(Code::kConfig, fmt::format("{} has no column {}", spec_.table, outer),
                  "a filter names columns of the table");
    if (type != "jsonb" && type != "json")
      throw Error(Code::kConfig, fmt::format("{}.{} is {}", spec_.table, outer, type),
                  "a filter's path leads into json and jsonb columns alone");
    ArrayText path;
    for (const std::string& step : split_path(name.substr(dot + 1))) path.text(step);
    params_.push_back(path.finish());
    params_.push_back(value);
    return fmt::format("{}::jsonb #>> ${}::text[] = ${}::text", PgSession::quote_name(outer),
                       params_.size() - 1, params_.size());
  }

  /// "": there is no such column.
  const std::string& type_of(const std::string& column) {
    const auto known = types_.find(column);
    if (known != types_.end()) return known->second;
    const PgRows rows = session_->query(
        "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
        "WHERE attrelid = $1::pg_catalog.regclass AND attname = $2 AND NOT attisdropped",
        {table_, column});
    return types_.emplace(column, rows.size() == 0 ? "" : rows.text(0, 0)).first->second;
  }

  std::unique_ptr<PgSession> session_;
  SearchSpec spec_;
  const std::string table_;
  const Searched searched_;
  const std::vector<PgSetting> settings_;
  const size_t dimensions_;         // 0: any
  std::vector<std::string> shown_;  // columns of a hit's document
  std::map<std::string, std::string> types_;
  std::string statement_;  // the last one
  PgParams params_;
};

}  // namespace

std::unique_ptr<Search> make_pg_search(const std::string& url, bool pooled, const SearchSpec& spec,
                                       const PgSearchSettings& settings) {
  auto session = std::make_unique<PgSession>(url, "search", pooled);
  const VectorsTypes types = vectors_types(*session);
  std::optional<Searched> searched = find_index(*session, types, spec);
  if (!searched) searched = find_column(*session, types, spec);
  if (!searched) return nullptr;
  std::vector<PgSetting> applied = settings_for(*session, settings, searched->of_vectors);
  return std::make_unique<PgSearch>(std::move(session), spec, std::move(*searched),
                                    std::move(applied));
}

}  // namespace lugger
