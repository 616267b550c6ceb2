#include "postgres/made_table.hpp"

#include <algorithm>

#include "plan/text_search.hpp"
#include "postgres/ddl.hpp"

namespace lugger {
namespace {

constexpr int kHashParts = 16, kMostParts = 1024;

std::string partition_name(const std::string& table, const std::string& tail) {
  const auto [schema, bare] = split_table_name(table);
  const std::string name = PgSession::quote_name(fitted_name(bare, "_" + tail));
  return schema.empty() ? name : PgSession::quote_name(schema) + "." + name;
}

std::vector<std::string> partition_statements(const MadeTable& made, const std::string& table) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& tail, const std::string& bounds) {
    out.push_back(fmt::format("CREATE TABLE {} PARTITION OF {} {}", partition_name(table, tail),
                              PgSession::quote_table(table), bounds));
  };
  for (size_t i = 0; i < made.values.size(); ++i)
    add(fmt::format("p{}", i + 1),
        fmt::format("FOR VALUES IN ({})", PgSession::quote_literal(made.values[i])));
  if (!made.values.empty()) {
    add("rest", "DEFAULT");
    return out;
  }
  for (int i = 0; i < made.partitions; ++i)
    add(fmt::format("p{}", i + 1),
        fmt::format("FOR VALUES WITH (MODULUS {}, REMAINDER {})", made.partitions, i));
  return out;
}

std::string add_text_column(const MadeTable& made, const std::string& table,
                            const std::string& column) {
  return fmt::format(
      "ALTER TABLE {} ADD COLUMN {} tsvector GENERATED ALWAYS AS (pg_catalog.to_tsvector({}"
      "::pg_catalog.regconfig, {})) STORED",
      PgSession::quote_table(table), PgSession::quote_name(text_search_column(column)),
      PgSession::quote_literal(made.text_config), PgSession::quote_name(column));
}

bool has_column(const TablePlan& table, const std::string& name) {
  return std::ranges::find(table.columns, name, &Column::name) != table.columns.end();
}

/// A unique key of a partitioned table has the column in it: a partition alone can look after it.
void check_partitions(const MadeTable& made, const TablePlan& table, const PgTable* actual,
                      TargetReport& report) {
  const std::string& column = made.partition_by;
  if (column.empty()) return;
  if (actual != nullptr && actual->kind != "p") {
    report.warnings.push_back(fmt::format(
        "{} stands and has no partitions: partition_by = '{}' is of tables that lugger makes",
        table.name, column));
  }
  if (actual != nullptr) return;
  if (!has_column(table, column)) {
    report.problems.push_back(fmt::format("partition_by: {} has no column {}", table.name, column));
    return;
  }
  const std::vector<std::string> key = key_names(table);
  if (!key.empty() && std::ranges::find(key, column) == key.end())
    report.problems.push_back(
        fmt::format("partition_by: the key of {} ({}) does not hold {}, and PostgreSQL keeps a key "
                    "unique only with that column in it: key = {{ '{}', '{}' }}",
                    table.name, fmt::join(key, ", "), column, column, fmt::join(key, "', '")));
  if (const std::string id = surrogate(table); !id.empty() && !key.empty())
    report.problems.push_back(
        fmt::format("partition_by: {}.{} is not in the key, so nothing could keep it unique: take "
                    "it into the key, or leave it out",
                    table.name, id));
}

void check_texts(PgSession& session, const MadeTable& made, const TablePlan& table,
                 const PgTable* actual, TargetReport& report) {
  for (const std::string& column : made.texts) {
    const std::string name = text_search_column(column);
    if (!has_column(table, column)) {
      report.problems.push_back(
          fmt::format("text_search: {} has no column {}", table.name, column));
    } else if (has_column(table, name)) {
      report.problems.push_back(
          fmt::format("text_search: {} is made from {}, and the mapping has a column of that name: "
                      "leave it out of one of them",
                      name, column));
    } else if (actual != nullptr && actual->column(name) == nullptr) {
      report.problems.push_back(fmt::format("text_search: {} stands and has no column {}; {}",
                                            table.name, name,
                                            add_text_column(made, table.name, column)));
    }
  }
  if (made.texts.empty()) return;
  report.warnings.push_back(
      fmt::format("{}: PostgreSQL ranks text by ts_rank, which is no BM25: hybrid searches give "
                  "other orders than a vector store's",
                  text_search_column(made.texts.front())));
  try {
    session.query("SELECT $1::pg_catalog.regconfig", {made.text_config});
  } catch (const Error& error) {
    if (error.code() == Code::kConnect) throw;
    report.problems.push_back(fmt::format("text_config = '{}': {}; \\dF lists what there is",
                                          made.text_config, error.message()));
  }
}

}  // namespace

MadeTable made_table_of(const Options& options) {
  MadeTable out;
  out.partition_by = options.text("partition_by");
  out.values = options.list("partition_values");
  const double parts = options.number("partitions", kHashParts);
  out.texts = options.list("text_search");
  out.text_config = options.text("text_config", "english");
  if (!(parts >= 1 && parts <= kMostParts) || parts != static_cast<int>(parts))
    raise(Code::kConfig, "partitions is a whole number from 1 to {}", kMostParts);
  out.partitions = static_cast<int>(parts);
  if (out.partition_by.empty() && (!out.values.empty() || options.has("partitions")))
    throw Error(Code::kConfig, "nothing says by which column the partitions are made",
                "add partition_by = 'tenant'");
  if (!out.values.empty() && options.has("partitions"))
    throw Error(Code::kConfig, "partitions are made by hash, or by values, and both were given",
                "leave out `partitions` or `partition_values`");
  return out;
}

std::vector<std::string> made_table_statements(const MadeTable& made, const TablePlan& table,
                                               std::string create) {
  std::vector<std::string> out;
  if (!made.partition_by.empty())
    create += fmt::format(" PARTITION BY {} ({})", made.values.empty() ? "HASH" : "LIST",
                          PgSession::quote_name(made.partition_by));
  out.push_back(std::move(create));
  if (!made.partition_by.empty()) {
    for (std::string& sql : partition_statements(made, table.name)) out.push_back(std::move(sql));
  }
  for (const std::string& column : made.texts)
    out.push_back(add_text_column(made, table.name, column));
  return out;
}

void check_made_table(PgSession& session, const MadeTable& made, const TablePlan& table,
                      const PgTable* actual, TargetReport& report) {
  check_partitions(made, table, actual, report);
  check_texts(session, made, table, actual, report);
}

}  // namespace lugger
