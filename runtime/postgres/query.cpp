#include "postgres/query.hpp"

#include <libpq-fe.h>

#include <algorithm>

#include "base/text.hpp"
#include "base/url.hpp"
#include "place/spec.hpp"
#include "postgres/wait.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {
namespace {

struct ClearResult {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, ClearResult>;

std::string base_query(const Options& options, PgReading& out) {
  out.table = options.text("table");
  std::string query = options.text("query");
  if (out.table.empty() == query.empty()) {
    throw Error(Code::kConfig,
                query.empty() ? "a PostgreSQL source needs a table or a query"
                              : "a PostgreSQL source has a table and a query",
                "set table = 'schema.name', or query = 'select ...'");
  }
  if (query.empty()) {
    out.shown = "table " + out.table;
    return "SELECT * FROM " + PgSession::quote_table(out.table);
  }
  query.erase(query.find_last_not_of(" \t\r\n;") + 1);
  out.shown = "query " + query;
  return query;
}

// Gets names, types and modifiers from the server without running the query.
PgResult describe(PgSession& session, const PgReading& reading) {
  PGconn* connection = session.raw();
  PgResult prepared(PQprepare(connection, "", reading.base.c_str(), 0, nullptr));
  PgResult described(PQresultStatus(prepared.get()) == PGRES_COMMAND_OK
                         ? PQdescribePrepared(connection, "")
                         : nullptr);
  if (described && PQresultStatus(described.get()) == PGRES_COMMAND_OK) return described;
  const PGresult* failed = described ? described.get() : prepared.get();
  const char* text = PQresultErrorField(failed, PG_DIAG_MESSAGE_PRIMARY);
  const char* state = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
  const std::string message = text != nullptr ? text : PQerrorMessage(connection);
  throw Error(session.alive() ? Code::kConfig : Code::kConnect,
              fmt::format("cannot read {}: {}", reading.shown, message),
              message.find("row-level security") != std::string::npos
                  ? "rows would be hidden without a word: read as a role with BYPASSRLS, or set "
                    "row_security = true in the source's options to read only the rows that the "
                    "policies show"
                  : "check the name and the rights of this role",
              state != nullptr ? state : "");
}

std::vector<std::string> key_columns(const Options& options, const RowShape& shape) {
  std::vector<std::string> out;
  for (const std::string& entry : options.list("key")) {
    const bool whole =
        std::any_of(shape.fields.begin(), shape.fields.end(),
                    [&](const RowShape::Field& field) { return field.name == entry; });
    for (size_t at = 0; at <= entry.size();) {
      const size_t comma = whole ? entry.size() : std::min(entry.find(',', at), entry.size());
      std::string name = entry.substr(at, comma - at);
      name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
      name.erase(name.find_last_not_of(' ') + 1);
      out.push_back(std::move(name));
      at = comma + 1;
    }
  }
  return out;
}

/// LOCK TABLE wants a right to the whole table; those to columns do not suffice.
bool is_lockable(PgSession& session, const std::string& table) {
  if (table.empty()) return false;
  const PgRows rows = session.query(
      "SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') FROM pg_catalog.pg_class c WHERE "
      "c.oid = $1::regclass AND c.relkind IN ('r', 'p', 'v')",
      {PgSession::quote_table(table)});
  return rows.size() != 0 && rows.text(0, 0) == "t";
}

void bind_key(const Options& options, PgReading& reading) {
  reading.key = key_columns(options, reading.shape);
  std::vector<std::string_view> names;
  for (const RowShape::Field& field : reading.shape.fields) names.push_back(field.name);
  for (const std::string& column : reading.key) {
    const auto at = std::find(names.begin(), names.end(), column);
    if (at == names.end()) {
      const std::string_view near = nearest(column, names);
      throw Error(Code::kConfig,
                  fmt::format("key: {} has no column {}", reading.shown, quoted_excerpt(column)),
                  near.empty() ? "name the columns that are unique in it"
                               : fmt::format("did you mean {}?", near));
    }
    reading.key_types.push_back(
        reading.shape.fields[static_cast<size_t>(at - names.begin())].type_name);
  }
}

/// What the extensions' own types are, by what the catalog says they belong to.
void find_vectors(PgSession& session, PgReading& reading) {
  constexpr uint32_t kFirstOfUsers = 16384;
  std::vector<RowShape::Field>& fields = reading.shape.fields;
  if (std::ranges::none_of(
          fields, [](const RowShape::Field& one) { return one.type_oid >= kFirstOfUsers; }))
    return;
  const VectorsTypes types(session);
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string oid = std::to_string(fields[i].type_oid);
    std::string& name = fields[i].type_name;
    const size_t modifier = name.ends_with(')') ? name.rfind('(') : name.size();
    if (const VectorsType* found = types.of(oid)) {
      fields[i].reads_as = found->reads_as;
      name = found->name + name.substr(modifier);
      reading.wires.resize(fields.size());
      reading.wires[i] = found->reads;
    } else if (types.of_pgvector(oid) && name.starts_with("vectors.")) {
      name = name.substr(name.find('.') + 1);
    }
  }
}

}  // namespace

PgReading describe_reading(PgSession& session, const Options& options) {
  PgReading out;
  out.base = base_query(options, out);
  out.filtered = options.flag("row_security");
  session.begin();
  set_reading(session, out);
  const PgResult described = waiting(session.wakeup(), [&] { return describe(session, out); });
  for (int i = 0; i < PQnfields(described.get()); ++i) {
    RowShape::Field field;
    field.name = PQfname(described.get(), i);
    field.type_oid = PQftype(described.get(), i);
    const PgRows named =
        session.query("SELECT pg_catalog.format_type($1::oid, $2::int4)",
                      {std::to_string(field.type_oid), std::to_string(PQfmod(described.get(), i))});
    field.type_name = named.text(0, 0);
    field.reads_as = pg_reads_as(field.type_oid, field.type_name);
    for (const RowShape::Field& other : out.shape.fields) {
      if (other.name != field.name) continue;
      throw Error(
          Code::kConfig,
          fmt::format("{} gives two columns named {}", out.shown, quoted_excerpt(field.name)),
          "name them apart with AS");
    }
    out.shape.fields.push_back(std::move(field));
  }
  find_vectors(session, out);
  out.lockable = is_lockable(session, out.table);
  session.rollback();
  bind_key(options, out);
  return out;
}

void set_reading(PgSession& session, const PgReading& reading) {
  session.execute(fmt::format("SET LOCAL row_security = {}", reading.filtered ? "on" : "off"));
}

std::string hold_reading(PgSession& session, const PgReading& reading) {
  if (!reading.lockable) return {};
  const std::string table = PgSession::quote_table(reading.table);
  session.execute(fmt::format("LOCK TABLE {} IN ACCESS SHARE MODE", table));
  check_types(session, reading, session.query(types_statement(reading, "")).types());
  return session.query("SELECT pg_catalog.pg_relation_filenode($1::regclass)", {table}).text(0, 0);
}

std::string types_statement(const PgReading& reading, std::string_view from) {
  std::string columns;
  for (const RowShape::Field& field : reading.shape.fields)
    columns += (columns.empty() ? "" : ", ") + PgSession::quote_name(field.name);
  return fmt::format("SELECT {} FROM {}{} LIMIT 0", columns, from,
                     PgSession::quote_table(reading.table));
}

void check_types(PgSession& session, const PgReading& reading, const std::vector<uint32_t>& types) {
  const std::vector<RowShape::Field>& fields = reading.shape.fields;
  for (size_t i = 0; i < fields.size() && i < types.size(); ++i) {
    if (types[i] == fields[i].type_oid) continue;
    const std::string now =
        session.query("SELECT pg_catalog.format_type($1::oid, NULL)", {std::to_string(types[i])})
            .text(0, 0);
    // One text is as the other, whatever its type is called.
    const ValueType reads_as = pg_reads_as(types[i], now);
    const bool is_text = reads_as == ValueType::kString || reads_as == ValueType::kPgText;
    if (is_text && reads_as == fields[i].reads_as) continue;
    throw Error(
        Code::kRead,
        fmt::format("{} was altered: {} is {} by now, and was {}", reading.shown,
                    quoted_excerpt(fields[i].name), now, fields[i].type_name),
        "the same command goes on with the table as it is now; rows that were written before it "
        "may have other values: lugger verify, lugger repair");
  }
}

namespace {

std::string select_blocks(const PgReading& reading, const PgRange& range,
                          const std::string& columns) {
  std::string out = fmt::format("SELECT {}, q.ctid FROM {} AS q WHERE q.ctid >= '({},0)'::tid",
                                columns, PgSession::quote_table(reading.table), range.first);
  if (!range.above.empty())
    out += fmt::format(" AND q.ctid > {}::tid", PgSession::quote_literal(range.above[0]));
  if (range.end != 0) out += fmt::format(" AND q.ctid < '({},0)'::tid", range.end);
  return out;
}

}  // namespace

std::string select_statement(const PgReading& reading, const PgRange& range) {
  std::string columns, key;
  for (const RowShape::Field& field : reading.shape.fields) {
    columns +=
        fmt::format("{}q.{}{}", columns.empty() ? "" : ", ", PgSession::quote_name(field.name),
                    field.reads_as == ValueType::kPgText ? "::text" : "");
  }
  if (range.blocks) return select_blocks(reading, range, columns);
  for (const std::string& column : reading.key) {
    const std::string name = "q." + PgSession::quote_name(column);
    columns += fmt::format("{}{}::text", columns.empty() ? "" : ", ", name);
    key += fmt::format("{}{}", key.empty() ? "" : ", ", name);
  }
  std::string where;
  const auto bound = [&](const std::vector<std::string>& values, std::string_view sign) {
    if (values.empty()) return;
    std::string list;
    for (size_t i = 0; i < values.size(); ++i)
      list += fmt::format("{}{}::{}", i == 0 ? "" : ", ", PgSession::quote_literal(values[i]),
                          reading.key_types[i]);
    where += fmt::format("{} ({}) {} ({})", where.empty() ? " WHERE" : " AND", key, sign, list);
  };
  bound(range.above, ">");
  bound(range.upto, "<=");
  return fmt::format("SELECT {} FROM ({}\n) AS q{}{}", columns, reading.base, where,
                     key.empty() ? "" : " ORDER BY " + key);
}

std::string key_text(const std::vector<std::string>& values) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out += ',';
    out += percent_encode(values[i]);
  }
  return out;
}

std::string key_position(const std::vector<std::string>& values) {
  return "key:" + key_text(values);
}

std::vector<std::string> key_values(std::string_view text, size_t count, std::string_view place,
                                    std::string_view name) {
  std::vector<std::string> out;
  const auto field = spec_field(text, name);
  for (size_t at = 0; field && at <= field->size();) {
    const size_t comma = std::min(field->find(',', at), field->size());
    out.push_back(percent_decode(field->substr(at, comma - at)));
    at = comma + 1;
  }
  if (field && out.size() == count) return out;
  throw Error(Code::kConfig,
              fmt::format("{}: \"{}\" is not a position of this source", place, text),
              "it belongs to another source or key; run again with --restart");
}

}  // namespace lugger
