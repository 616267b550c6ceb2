#include "postgres/key_hashes.hpp"

#include "base/error.hpp"
#include "plan/coerce.hpp"

namespace lugger {

namespace {

/// How the server compares values of a key column.
struct Equality {
  bool by_bytes = false;  // values are equal exactly when their canonical bytes are
  bool is_array = false;
  std::string collation;  // quoted; "": the type has no collation
};

/// Domains and arrays are treated as the types they contain. Types that are not listed, among them
/// ranges, composites and those of extensions, are left to the server. The collation is that of the
/// unique index on the key with the same number of `columns`; without an index, the column's.
Equality equality_of(PgSession& session, const PgTable& actual, const ComparedColumn& column,
                     size_t columns) {
  const PgRows rows = session.query(
      "WITH RECURSIVE leaf AS ("
      " SELECT t.oid, t.typname, t.typtype, t.typcategory, t.typbasetype, t.typelem,"
      " coalesce((SELECT u.coll FROM pg_index i"
      "  CROSS JOIN unnest(i.indkey::int2[], i.indcollation::oid[]) AS u(num, coll)"
      "  LEFT JOIN pg_collation c ON c.oid = u.coll"
      "  WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL"
      "  AND i.indexprs IS NULL AND i.indnkeyatts = $3::int AND u.num = a.attnum"
      "  ORDER BY c.collisdeterministic LIMIT 1), a.attcollation) AS attcollation"
      " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
      " WHERE a.attrelid = $1::oid AND a.attname = $2 UNION ALL"
      " SELECT t.oid, t.typname, t.typtype, t.typcategory, t.typbasetype, t.typelem, l.attcollation"
      " FROM leaf l JOIN pg_type t ON t.oid = CASE WHEN l.typtype = 'd' THEN l.typbasetype"
      " WHEN l.typcategory = 'A' THEN l.typelem END) "
      "SELECT l.typtype = 'e' OR l.typname = 'ltree' OR (l.oid = ANY "
      "('{bool,bytea,int2,int4,int8,oid,text,varchar,bpchar,"
      "\"\\\"char\\\"\",name,uuid,date,time,timestamp,timestamptz,timetz,bit,varbit,inet,cidr,"
      "macaddr,macaddr8,money,pg_lsn}'::regtype[]) AND coalesce(c.collisdeterministic, true)),"
      " l.oid IN ('numeric'::regtype, 'jsonb'::regtype), arrays.any,"
      " pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname)"
      " FROM leaf l CROSS JOIN (SELECT pg_catalog.bool_or(typcategory = 'A') AS any FROM leaf) AS "
      "arrays"
      " LEFT JOIN pg_collation c ON c.oid = l.attcollation"
      " LEFT JOIN pg_namespace n ON n.oid = c.collnamespace"
      " WHERE l.typtype <> 'd' AND l.typcategory <> 'A'",
      {actual.oid, column.name, std::to_string(columns)});
  Equality out;
  if (rows.size() == 0) return out;
  // For these types we have a canonical form; the server's text is not one.
  const bool by_value = rows.text(0, 1) == "t" && !column.by_server;
  out.by_bytes = rows.text(0, 0) == "t" || by_value;
  out.is_array = rows.text(0, 2) == "t";
  out.collation = rows.text(0, 3);
  return out;
}

/// False: the type has no hash function.
bool has_hash(PgSession& session, const KeyHash& hash) {
  try {
    session.query("SELECT " + key_hash_sql(hash, "NULL"));
    return true;
  } catch (const Error& error) {
    if (error.code() == Code::kConnect) throw;
    return false;
  }
}

void give_hash(PgComparedTable& table, size_t column, KeyHash hash) {
  hash.column = column;
  table.columns[column].hash = static_cast<int>(table.hashes++);
  table.key_hashes.push_back(std::move(hash));
}

}  // namespace

void bind_key_hashes(PgSession& session, const PgTable& actual, const PgComparedTable* own,
                     PgComparedTable& table, std::vector<std::string>& notes) {
  for (size_t k = 0; k < table.key.size(); ++k) {
    ComparedColumn& column = table.columns[table.key[k]];
    if (own != nullptr && k < table.root.size()) {
      const int hash = own->columns[own->key[k]].hash;
      if (hash >= 0) give_hash(table, table.key[k], own->key_hashes[static_cast<size_t>(hash)]);
      continue;
    }
    const Equality equality = equality_of(session, actual, column, table.key.size());
    if (equality.by_bytes) continue;
    KeyHash hash{table.key[k], table.stored[table.key[k]].type, equality.collation,
                 equality.is_array};
    if (has_hash(session, hash)) {
      give_hash(table, table.key[k], std::move(hash));
      continue;
    }
    column.vague = true;
    notes.push_back(fmt::format(
        "{}: only the server can tell which values of {} are equal: its type has no hash; keys "
        "that are spelled in two ways count as two, and repair writes nothing",
        table.name, column.name));
  }
}

/// Two 64-bit hashes; for arrays also the bounds, which the server's hashes ignore.
std::string key_hash_sql(const KeyHash& hash, const std::string& expression) {
  const std::string value = fmt::format("({})::{}{}", expression, hash.type,
                                        hash.collation.empty() ? "" : " COLLATE " + hash.collation);
  const std::string row = fmt::format(
      "ROW({}{})", value, hash.is_array ? fmt::format(", pg_catalog.array_dims({})", value) : "");
  return fmt::format(
      "pg_catalog.concat(pg_catalog.hash_record_extended({0}, 0), ' ', "
      "pg_catalog.hash_record_extended({0}, 1))",
      row);
}

void KeyHasher::make(Batch& batch, KeyHashes& out) {
  out.tables.resize(batch.tables.size());
  for (const PgComparedTable& table : tables_) {
    std::vector<Value>& made = out.tables[table.table];
    made.assign(batch.tables[table.table].rows() * table.hashes, Value::null());
    for (const KeyHash& hash : table.key_hashes) make(batch, table, hash.column, made);
  }
}

void KeyHasher::make(Batch& batch, const PgComparedTable& table, size_t place,
                     std::vector<Value>& out) {
  const ComparedColumn& column = table.columns[place];
  RowSet& rows = batch.tables[table.table];
  rows_.clear();
  ByteBuffer list;
  list.push('{');
  for (size_t i = 0; i < rows.rows(); ++i) {
    const Value& value = rows.row(i)[column.slot];
    if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad || value.absent()) continue;
    if (!rows_.empty()) list.push(',');
    append_array_element(server_text(value, column), list);
    rows_.push_back(i);
  }
  if (rows_.empty()) return;
  list.push('}');
  const auto hash = static_cast<size_t>(column.hash);
  const PgRows made = session_.query(
      fmt::format(
          "SELECT {} FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS u(x, n) ORDER BY u.n",
          key_hash_sql(table.key_hashes[hash], "u.x::" + table.stored[place].type)),
      {std::string(list.text())});
  for (size_t i = 0; i < rows_.size(); ++i) {
    out[rows_[i] * table.hashes + hash] =
        Value::of(ValueType::kPgText, batch.arena().copy(std::string_view(*made[i][0])));
  }
}

}  // namespace lugger
