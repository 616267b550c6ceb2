#include "fix/writer.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {

namespace {

constexpr size_t kFixedArrays = 3;  // n, version, mask; then key, before, after

std::string numbered(std::string_view letter, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += fmt::format(", {}{}", letter, i);
  return out;
}

bool stops_all(const Error& error) {
  const std::string& state = error.sqlstate();
  return error.code() == Code::kConnect || error.code() == Code::kInterrupted ||
         error.code() == Code::kAuth || state.starts_with("40") || state.starts_with("53") ||
         state == "55P03" || state == "25006";
}

}  // namespace

FixWriter::FixWriter(const FixTable& table, const std::string& state_schema, std::string run,
                     bool exact)
    : table_(table),
      schema_(PgSession::quote_name(state_schema)),
      run_(std::move(run)),
      exact_(exact) {
  sql_ = statement();
  reread_ = rereading();
}

std::string FixWriter::mark(size_t field) const {
  return fmt::format("pg_catalog.substr(s.m, {}, 1) = '1'", field + 1);
}

/// Sets every column once. A field that does not change in a row keeps its value.
std::string FixWriter::assignments() const {
  std::string out;
  for (size_t f = 0; f < table_.fields.size(); ++f) {
    const FixField& field = table_.fields[f];
    const std::string name = PgSession::quote_name(field.column);
    std::string value;
    if (field.path.empty()) {
      value =
          fmt::format("CASE WHEN {} THEN s.a{}::{} ELSE t.{} END", mark(f), f, field.type, name);
    } else {
      const auto same = [&](const FixField& other) { return other.column == field.column; };
      if (std::any_of(table_.fields.begin(), table_.fields.begin() + static_cast<ptrdiff_t>(f),
                      same))
        continue;
      // Path after path: each step takes the document that the one before it made.
      std::string before = "t." + name, steps;
      for (size_t p = f; p < table_.fields.size(); ++p) {
        if (!same(table_.fields[p])) continue;
        const std::string path = sql_path(table_.fields[p].path);
        steps += fmt::format(
            "{0}LATERAL (SELECT CASE WHEN NOT {1} THEN {2} WHEN s.a{3} IS NULL THEN {2} #- {4} "
            "ELSE "
            "pg_catalog.jsonb_set({2}, {4}, s.a{3}::jsonb) END AS d) x{3}",
            steps.empty() ? "" : ", ", mark(p), before, p, path);
        before = fmt::format("x{}.d", p);
      }
      value = fmt::format("(SELECT {} FROM {})", before, steps);
    }
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", name, value);
  }
  return out;
}

std::string FixWriter::statement() const {
  const size_t keys = table_.key.size(), fields = table_.fields.size();
  std::string arrays, match, returned, values, key_list;
  for (size_t i = 0; i < kFixedArrays + keys + 2 * fields; ++i)
    arrays += fmt::format("{}${}::text[]", i == 0 ? "" : ", ", i + 2);
  for (size_t k = 0; k < keys; ++k) {
    match += table_.distributed
                 ? fmt::format("t.{} = s.q{} AND ", PgSession::quote_name(table_.key[k]), k)
                 : fmt::format("t.{} = s.k{}::{} AND ", PgSession::quote_name(table_.key[k]), k,
                               table_.key_types[k]);
    key_list += fmt::format("{}s.k{}", k == 0 ? "" : ", ", k);
  }
  for (size_t f = 0; f < fields; ++f) {
    // Citus does not allow STABLE functions in RETURNING, so the text is made afterwards.
    const std::string now = table_.field_value(table_.fields[f], "t"), name = fmt::format("a{}", f);
    returned += fmt::format(", {} AS {}", table_.distributed ? now : FixTable::text_of(now), name);
    values += fmt::format("{}({}, {}, s.b{}, {})", f == 0 ? "" : ", ", f + 1,
                          PgSession::quote_literal(table_.fields[f].name), f,
                          table_.distributed ? FixTable::text_of("u." + name) : "u." + name);
  }
  return fmt::format(
      "WITH s AS MATERIALIZED (SELECT {12} FROM unnest({0}) AS s (n, v, m{1}{2}{3})), "
      "u AS (UPDATE {4} AS t SET {5} FROM s WHERE {6}{7} RETURNING s.n{8}), "
      "i AS (INSERT INTO {9}.images (run, key, fields, before, after) "
      "SELECT $1, ARRAY[{10}], x.f, x.b, x.a FROM u JOIN s ON s.n = u.n CROSS JOIN LATERAL "
      "(SELECT pg_catalog.array_agg(w.f ORDER BY w.p) AS f, pg_catalog.array_agg(w.b ORDER BY w.p) "
      "AS b, pg_catalog.array_agg(w.a "
      "ORDER BY w.p) AS a FROM (VALUES {11}) AS w (p, f, b, a) WHERE pg_catalog.substr(s.m, w.p, "
      "1) = '1') x "
      "ORDER BY s.n::int8) SELECT n FROM u",
      arrays, numbered("k", keys), numbered("b", fields), numbered("a", fields), table_.relation,
      assignments(), match, unchanged(), returned, schema_, key_list, values, given());
}

/// Values for an UPDATE of a distributed table are cast beforehand: casts may be STABLE, which
/// Citus does not allow there.
std::string FixWriter::given() const {
  if (!table_.distributed) return "*";
  std::string out = "s.n, s.m";
  for (size_t k = 0; k < table_.key.size(); ++k)
    out += fmt::format(", s.k{0}, s.k{0}::{1} AS q{0}", k, table_.key_types[k]);
  for (size_t f = 0; f < table_.fields.size(); ++f)
    out += fmt::format(", s.b{0}, s.a{0}::{1} AS a{0}", f, table_.fields[f].type);
  for (size_t i = 0; i < table_.held.size(); ++i)
    out += fmt::format(", (s.v::text[])[{}]::{} AS v{}", i + 1, table_.held[i].type, i);
  return out;
}

/// SQL: the row is still as it was read.
std::string FixWriter::unchanged() const {
  if (!table_.distributed) return table_.version_of("t") + " = s.v";
  std::string out;
  for (size_t i = 0; i < table_.held.size(); ++i) {
    const std::string_view text = table_.held[i].equality ? "" : "::text";
    out += fmt::format("{}t.{}{} IS NOT DISTINCT FROM s.v{}{}", i == 0 ? "" : " AND ",
                       table_.held[i].name, text, i, text);
  }
  return out;
}

/// After the statement, AFTER triggers have run too. Reads what the rows contain now, and whether
/// it differs from what was written. The server compares, because it knows its types.
std::string FixWriter::rereading() const {
  const size_t keys = table_.key.size(), fields = table_.fields.size();
  std::string arrays = "$1::text[], $2::text[]", match, values;
  for (size_t i = 0; i < keys + fields; ++i) arrays += fmt::format(", ${}::text[]", i + 3);
  for (size_t k = 0; k < keys; ++k) {
    match += fmt::format("{}t.{} = s.k{}::{}", k == 0 ? "" : " AND ",
                         PgSession::quote_name(table_.key[k]), k, table_.key_types[k]);
  }
  for (size_t f = 0; f < fields; ++f) {
    const FixField& field = table_.fields[f];
    const std::string now = table_.field_value(field, "t"), text = FixTable::text_of(now);
    const std::string written = fmt::format("s.a{}::{}", f, field.type);
    const std::string other =
        field.equal_as.empty()
            ? fmt::format("({}) COLLATE \"C\" IS DISTINCT FROM ({}) COLLATE \"C\"", text,
                          FixTable::text_of(written))
            : fmt::format("{} IS DISTINCT FROM s.a{}::{}", now, f, field.equal_as);
    values += fmt::format(", CASE WHEN {} THEN {} ELSE false END, {}", mark(f), other, text);
  }
  return fmt::format("SELECT s.n{} FROM unnest({}) AS s (n, m{}{}) JOIN {} AS t ON {}", values,
                     arrays, numbered("k", keys), numbered("a", fields), table_.relation, match);
}

/// Compares the rows with what was written. True: some must be restored.
bool FixWriter::look_back(PgSession& session, const std::vector<FixRow>& rows,
                          const std::vector<RowChange>& changes, size_t first, size_t last,
                          std::vector<Written>& out) {
  if (!exact_ && table_.triggers.empty()) return false;
  const size_t keys = table_.key.size(), fields = table_.fields.size();
  std::vector<TextArray> arrays(2 + keys + fields);
  for (size_t i = first; i < last; ++i) {
    if (out[i].outcome != Written::Outcome::kWritten) continue;
    out[i].altered = true;  // until the row is found as it was written
    out[i].message = "the row is not there any more once its triggers have run";
    arrays[0].add(std::to_string(i));
    arrays[1].add(changes[i].mask);
    for (size_t k = 0; k < keys; ++k) arrays[2 + k].add(rows[changes[i].row].key[k]);
    for (size_t f = 0; f < fields; ++f) arrays[2 + keys + f].add(changes[i].after[f]);
  }
  PgParams params;
  for (TextArray& array : arrays) params.emplace_back(array.take());
  const PgRows now = session.query(reread_, params);
  for (size_t r = 0; r < now.size(); ++r) {
    const size_t i = std::stoul(now.text(r, 0));
    out[i].altered = false;
    for (size_t f = 0; f < fields && !out[i].altered; ++f) {
      if (now.text(r, 1 + 2 * f) != "t") continue;
      out[i].altered = true;
      const auto& kept = now[r][2 + 2 * f];
      out[i].message = fmt::format("the server made {} of {}, which is not what was written",
                                   kept ? quoted_excerpt(*kept) : "NULL", table_.fields[f].name);
    }
  }
  if (!exact_) return false;
  bool found = false;
  for (size_t i = first; i < last; ++i) {
    if (!out[i].altered || out[i].outcome != Written::Outcome::kWritten) continue;
    out[i].outcome = Written::Outcome::kRefused;
    found = true;
  }
  return found;
}

std::vector<Written> FixWriter::write(PgSession& session, const std::vector<FixRow>& rows,
                                      const std::vector<RowChange>& changes) {
  std::vector<Written> out(changes.size());
  if (!changes.empty()) write(session, rows, changes, 0, changes.size(), out);
  return out;
}

void FixWriter::write(PgSession& session, const std::vector<FixRow>& rows,
                      const std::vector<RowChange>& changes, size_t first, size_t last,
                      std::vector<Written>& out) {
  const size_t keys = table_.key.size(), fields = table_.fields.size();
  std::vector<TextArray> arrays(kFixedArrays + keys + 2 * fields);
  size_t wanted = 0;
  for (size_t i = first; i < last; ++i) {
    if (out[i].outcome == Written::Outcome::kRefused) continue;
    ++wanted;
    const RowChange& change = changes[i];
    const FixRow& row = rows[change.row];
    size_t at = 0;
    arrays[at++].add(std::to_string(i));
    arrays[at++].add(row.version);
    arrays[at++].add(change.mask);
    for (const std::string& part : row.key) arrays[at++].add(part);
    for (const auto& text : row.before) arrays[at++].add(text);
    for (const auto& text : change.after) arrays[at++].add(text);
  }
  if (wanted == 0) return;
  PgParams params{run_};
  for (TextArray& array : arrays) params.emplace_back(array.take());
  session.execute("SAVEPOINT lugger_rows");
  try {
    const PgRows done = session.query(sql_, params);
    for (size_t i = 0; i < done.size(); ++i)
      out[std::stoul(done.text(i, 0))].outcome = Written::Outcome::kWritten;
    const bool again = look_back(session, rows, changes, first, last, out);
    session.execute(again ? "ROLLBACK TO lugger_rows; RELEASE lugger_rows" : "RELEASE lugger_rows");
    if (!again) return;
    for (size_t i = first; i < last; ++i) {
      if (out[i].outcome == Written::Outcome::kWritten) out[i] = {};
    }
    write(session, rows, changes, first, last, out);
  } catch (const Error& error) {
    if (stops_all(error) && error.sqlstate() != "42501") throw;
    session.execute("ROLLBACK TO lugger_rows; RELEASE lugger_rows");
    for (size_t i = first; i < last; ++i) {
      if (out[i].outcome == Written::Outcome::kWritten) out[i] = {};
    }
    if (last - first == 1) {
      out[first].outcome = Written::Outcome::kRefused;
      out[first].message = error.message();
      return;
    }
    const size_t middle = first + (last - first) / 2;
    write(session, rows, changes, first, middle, out);
    write(session, rows, changes, middle, last, out);
  }
}

void record_fix(PgSession& session, const std::string& schema, const FixRecord& record,
                int64_t retention_seconds) {
  TextArray key, fields;
  for (const std::string& name : record.key) key.add(name);
  for (const std::string& name : record.fields) fields.add(name);
  session.query(
      fmt::format("INSERT INTO {}.fixes (run, \"table\", condition, key, fields, undoes, "
                  "images_until) VALUES ($1, $2, $3, $4::text[], $5::text[], nullif($6, ''), "
                  "pg_catalog.now() "
                  "+ pg_catalog.make_interval(secs => $7::float8)) ON CONFLICT (run) DO NOTHING",
                  PgSession::quote_name(schema)),
      {record.run, record.table, record.where, key.take(), fields.take(), record.undoes,
       std::to_string(retention_seconds)});
}

FixRecord find_fix(PgSession& session, const std::string& schema, const std::string& run) {
  const PgRows rows = session.query(
      fmt::format("SELECT f.\"table\", f.condition, coalesce(f.undoes, ''), f.images_until::text, "
                  "pg_catalog.array_length(f.key, 1), k.part, r.started_at::text FROM {0}.fixes f "
                  "JOIN {0}.runs "
                  "r ON r.run = f.run CROSS JOIN LATERAL pg_catalog.unnest(f.key || f.fields) WITH "
                  "ORDINALITY "
                  "AS k (part, place) WHERE f.run = $1 ORDER BY k.place",
                  PgSession::quote_name(schema)),
      {run});
  if (rows.size() == 0) {
    throw Error(Code::kConfig, fmt::format("run {} keeps no images: it is not a fix", run),
                "`lugger log` lists fixes");
  }
  FixRecord out;
  out.run = run;
  out.table = rows.text(0, 0);
  out.where = rows.text(0, 1);
  out.undoes = rows.text(0, 2);
  out.images_until = rows.text(0, 3);
  out.started = rows.text(0, 6);
  const size_t keys = std::stoul(rows.text(0, 4));
  for (size_t i = 0; i < rows.size(); ++i)
    (i < keys ? out.key : out.fields).push_back(rows.text(i, 5));
  return out;
}

}  // namespace lugger
