#include "fix/page.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "postgres/binary_rows.hpp"

namespace lugger {

namespace {

/// Rethrows the server's error in SQL of the script, with the position in that SQL.
[[noreturn]] void complain(const Error& error, const std::string& sql, const std::string& part,
                           std::string_view what) {
  size_t position = 0;
  for (const auto& [key, value] : error.notes()) {
    if (key == "position") position = std::stoul(value);
  }
  const size_t start = sql.find(part);
  std::string message = fmt::format("{}: {}", what, error.message());
  if (position > 0 && start != sql.npos) {
    // The server counts characters. Everything before the script's SQL is ASCII.
    const size_t before = std::min(position - 1, start + part.size());
    const size_t at = before >= start ? before - start : 0;
    if (before >= start)
      message += fmt::format(", at {}", quoted_excerpt(std::string_view(part).substr(at), 40));
  }
  Error out(error.code() == Code::kRead ? Code::kConfig : error.code(), message, error.hint(),
            error.sqlstate());
  throw out;
}

}  // namespace

void TextArray::add(const std::optional<std::string>& text) {
  if (out_.size() > 1) out_ += ',';
  if (!text) {
    out_ += "NULL";
    return;
  }
  out_ += '"';
  for (const char c : *text) {
    if (c == '"' || c == '\\') out_ += '\\';
    out_ += c;
  }
  out_ += '"';
}

std::string TextArray::take() {
  out_ += '}';
  return std::exchange(out_, "{");
}

std::string key_columns(const FixTable& table, std::string_view alias) {
  std::string out;
  for (const std::string& name : table.key)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", table.column(name, alias));
  return table.key.size() == 1 ? out : "(" + out + ")";
}

std::string FixReader::select() const {
  std::string out = "SELECT " + table_.select_shape();
  for (const std::string& name : table_.key) out += ", " + FixTable::text_of(table_.column(name));
  out += ", " + table_.version_of(table_.alias);
  for (const FixField& field : table_.fields)
    out += ", " + FixTable::text_of(table_.field_value(field));
  for (const FixField& field : table_.fields) {
    if (field.path.empty()) continue;
    FixField parent = field;
    parent.path.pop_back();
    out += fmt::format(", pg_catalog.jsonb_typeof({})", table_.field_value(parent));
  }
  return out + fmt::format(" FROM {} AS {}", table_.relation, table_.alias);
}

std::string FixReader::condition_sql() const {
  const std::string key = key_columns(table_, table_.alias);
  if (!condition_.kept_keys.empty()) {
    std::string list;
    for (size_t i = 0; i < table_.key.size(); ++i)
      list += fmt::format("{}(k.key[{}])::{}", i == 0 ? "" : ", ", i + 1, table_.key_types[i]);
    return fmt::format("{} IN (SELECT {} FROM ({}) AS k)", key, list, condition_.kept_keys);
  }
  if (!condition_.query.empty()) {
    std::string list;
    for (const std::string& name : table_.key)
      list += fmt::format("{}{}", list.empty() ? "" : ", ", PgSession::quote_name(name));
    return fmt::format("{} IN (SELECT {} FROM ({}\n) AS lugger_query)", key, list,
                       condition_.query);
  }
  return condition_.where.empty() ? "true" : fmt::format("({}\n)", condition_.where);
}

std::vector<FixRow> FixReader::next(PgSession& session, Batch& batch,
                                    const std::vector<std::string>& after, size_t limit) {
  PgParams params = condition_.kept_keys.empty() ? condition_.params : PgParams{};
  std::string sql = select() + " WHERE " + condition_sql();
  if (!after.empty()) {
    std::string values;
    for (size_t i = 0; i < after.size(); ++i) {
      params.emplace_back(after[i]);
      values +=
          fmt::format("{}${}::text::{}", i == 0 ? "" : ", ", params.size(), table_.key_types[i]);
    }
    const std::string key = key_columns(table_, table_.alias);
    sql += after.size() == 1 ? fmt::format(" AND {} > {}", key, values)
                             : fmt::format(" AND {} > ({})", key, values);
  }
  std::string order;
  for (const std::string& name : table_.key)
    order += fmt::format("{}{}", order.empty() ? "" : ", ", table_.column(name));
  sql += fmt::format(" ORDER BY {} LIMIT {}", order, limit);
  return read(session, batch, sql, params);
}

std::vector<FixRow> FixReader::again(PgSession& session, Batch& batch,
                                     const std::vector<const FixRow*>& rows, bool lock) {
  PgParams params = condition_.kept_keys.empty() ? condition_.params : PgParams{};
  std::string list, arrays;
  for (size_t i = 0; i < table_.key.size(); ++i) {
    TextArray array;
    for (const FixRow* row : rows) array.add(row->key[i]);
    params.emplace_back(array.take());
    arrays += fmt::format("{}pg_catalog.unnest(${}::text[])", i == 0 ? "" : ", ", params.size());
    list += fmt::format("{}k.k{}::{}", i == 0 ? "" : ", ", i, table_.key_types[i]);
  }
  std::string names;
  for (size_t i = 0; i < table_.key.size(); ++i)
    names += fmt::format("{}k{}", i == 0 ? "" : ", ", i);
  // Rows of a distributed table are not locked; a row is written only if it is still as it was
  // read.
  lock = lock && !table_.distributed;
  const std::string sql =
      fmt::format("{} WHERE {} AND {} IN (SELECT {} FROM ROWS FROM ({}) AS k({})){}{}", select(),
                  condition_sql(), key_columns(table_, table_.alias), list, arrays, names,
                  lock ? " FOR NO KEY UPDATE OF " : "", lock ? table_.alias : "");
  return read(session, batch, sql, params);
}

std::vector<FixRow> FixReader::read(PgSession& session, Batch& batch, const std::string& sql,
                                    const PgParams& params) {
  const PgBinaryRows rows = [&] {
    try {
      return query_binary(session, sql, params);
    } catch (const Error& error) {
      const std::string& part = condition_.query.empty() ? condition_.where : condition_.query;
      const bool theirs = error.sqlstate().starts_with("42") || error.sqlstate().starts_with("22");
      if (part.empty() || !theirs || error.sqlstate() == "42501")
        throw Error(error.code(), error.message(), error.hint(), error.sqlstate());
      complain(error, sql, part, condition_.query.empty() ? "where" : "query");
    }
  }();
  const size_t shown = table_.shape.fields.size(), keys = table_.key.size();
  std::vector<FixRow> out(rows.size());
  PgvectorTuples pgvector(table_.wires);
  bytes_ = 0;
  for (size_t r = 0; r < rows.size(); ++r) {
    Bytes tuple = rows.tuple(r, shown, batch.arena());
    if (pgvector.needed()) tuple = pgvector.of(tuple, batch.arena());
    batch.documents.push_back(
        Document{tuple.data(), static_cast<uint32_t>(tuple.size()), Format::kPgRow, &table_.shape});
    bytes_ += tuple.size();
    FixRow& row = out[r];
    size_t column = shown;
    for (size_t k = 0; k < keys; ++k) row.key.push_back(rows.text(r, column++));
    row.version = rows.text(r, column++);
    for (size_t f = 0; f < table_.fields.size(); ++f) row.before.push_back(rows.maybe(r, column++));
    for (const FixField& field : table_.fields)
      row.parent.push_back(field.path.empty() ? std::string() : rows.text(r, column++));
  }
  return out;
}

}  // namespace lugger
