#include "postgres/server_text.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "plan/coerce.hpp"
#include "postgres/vectors_types.hpp"

namespace lugger {

namespace {

/// False when the server has a problem, or the transaction cannot continue: a value is not the
/// cause.
bool may_be_of_the_value(const std::string& sqlstate) {
  constexpr std::array<std::string_view, 8> kClasses = {"08", "25", "26", "40",
                                                        "53", "55", "57", "58"};
  return sqlstate.size() == 5 &&
         std::find(kClasses.begin(), kClasses.end(), sqlstate.substr(0, 2)) == kClasses.end();
}

}  // namespace

void require_cast(PgSession& session, const std::string& from, const std::string& cast) {
  constexpr std::string_view kIntegrity = "23";  // a domain's NOT NULL
  try {
    session.query(fmt::format("SELECT (NULL::{}){}::text", from, cast));
  } catch (const Error& error) {
    if (error.sqlstate().substr(0, 2) != kIntegrity) throw;
  }
}

void ServerText::apply(Batch& batch) {
  for (const PgComparedTable& table : tables_) {
    for (size_t k = 0; k < table.columns.size(); ++k) {
      if (table.columns[k].by_server) apply(batch, table, k);
    }
  }
}

void ServerText::apply(Batch& batch, const PgComparedTable& table, size_t column) {
  const size_t slot = table.columns[column].slot;
  RowSet& rows = batch.tables[table.table];
  rows_.clear();
  for (size_t i = 0; i < rows.rows(); ++i) {
    const bool loads = rows.live(i) && batch.fates[rows.document(i)] == Fate::kLoad;
    if (loads && !rows.row(i)[slot].absent()) rows_.push_back(i);
  }
  if (!rows_.empty()) convert(batch, table, column, 0, rows_.size());
}

/// Halves a refused batch until the bad value is found, as a load does.
void ServerText::convert(Batch& batch, const PgComparedTable& table, size_t place, size_t first,
                         size_t last) {
  const ComparedColumn& column = table.columns[place];
  const PgComparedColumn& stored = table.stored[place];
  RowSet& rows = batch.tables[table.table];
  ByteBuffer list;
  list.push('{');
  for (size_t i = first; i < last; ++i) {
    if (i != first) list.push(',');
    append_array_element(input_text(rows.row(rows_[i])[column.slot], column.type), list);
  }
  list.push('}');
  const std::string sql = fmt::format(
      "SELECT (u.x::{}){}::text FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS u(x, n) "
      "ORDER BY u.n",
      stored.via, stored.cast);
  try {
    const PgRows made = session_.query(sql, {std::string(list.text())});
    for (size_t i = first; i < last; ++i) {
      const auto& text = made[i - first][0];
      rows.row(rows_[i])[column.slot] =
          text ? Value::of(ValueType::kPgText, batch.arena().copy(std::string_view(*text)))
               : Value::null();
    }
  } catch (const Error& error) {
    if (error.code() == Code::kConnect || !may_be_of_the_value(error.sqlstate())) throw;
    if (last - first > 1) {
      const size_t middle = first + (last - first) / 2;
      convert(batch, table, place, first, middle);
      convert(batch, table, place, middle, last);
      return;
    }
    // Input functions report bad values in any SQLSTATE class: regtype uses that of a missing type.
    require_cast(session_, stored.via, stored.cast);
    batch.refuse({rows.document(rows_[first]),
                  static_cast<int>(table.table),
                  static_cast<int>(column.slot),
                  Failure::kSyntax,
                  {},
                  error.message()});
  }
}

}  // namespace lugger
