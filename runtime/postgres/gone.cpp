#include "postgres/gone.hpp"

#include "postgres/array_text.hpp"
#include "postgres/merge.hpp"

namespace lugger {

Gone collect_gone(const PgLoad& load, const UnitDocuments& unit, size_t first, size_t last,
                  const std::set<int64_t>& but) {
  const PgTableLayout& own = load.tables[0];
  ArrayText documents;
  std::vector<ArrayText> keys(own.key.size());
  Gone out;
  unit.each_deleted(first, last, [&](const Value* row, size_t number) {
    const auto document = static_cast<int64_t>(number);
    if (but.contains(document)) return;
    ++out.documents;
    out.skipped += unit.skips(number) ? 1 : 0;
    documents.number(document);
    for (size_t k = 0; k < own.key.size(); ++k) {
      const PgField& field = own.fields[own.key[k]];
      keys[k].text(coerced_text(row[field.slot], load.plan.tables()[0].columns[field.slot].type));
    }
  });
  out.params.emplace_back(documents.finish());
  std::string names = "doc", values = "u.doc", arrays = "$1::int4[]";
  for (size_t k = 0; k < own.key.size(); ++k) {
    const std::string column = stage_column(own.key[k]);
    names += ", " + column;
    values += fmt::format(", u.{0}::{1} AS {0}", column, own.fields[own.key[k]].plan_type);
    arrays += fmt::format(", ${}::text[]", k + 2);
    out.params.emplace_back(keys[k].finish());
  }
  out.with =
      fmt::format("WITH gone AS (SELECT {} FROM unnest({}) AS u({})) ", values, arrays, names);
  return out;
}

}  // namespace lugger
