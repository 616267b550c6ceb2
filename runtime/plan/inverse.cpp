#include "plan/inverse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/uncoerce.hpp"
#include "value/path.hpp"

namespace lugger {

namespace {

using Generate = Column::Generate;
using Verdict = ColumnInverse::Verdict;

bool is_place(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

std::string_view generated_words(Generate generate) {
  switch (generate) {
    case Generate::kV5: return "computed from _id";
    case Generate::kV7: return "made by the time of the load";
    case Generate::kServer: return "made by the server";
    case Generate::kParentKey: return "the parent's key: puts the element back into its document";
    case Generate::kOrdinal: return "puts the element back into its place in the array";
    case Generate::kEntry: return "gives the field its name";
    case Generate::kConstant: return "a constant of the mapping";
    case Generate::kNone: break;
  }
  return {};
}

bool has_source(const Column& column) {
  return column.generate == Generate::kNone && !column.computed;
}

/// Of the same table: the whole of this column's field, or more, is in that one.
bool lies_in(const Column& column, const Column& other) {
  if (other.from == ".") return column.from != ".";
  if (column.from == "*" || column.from == "." || other.from == "*") return false;
  const std::vector<std::string> path = split_path(column.from), above = split_path(other.from);
  return above.size() < path.size() && std::equal(above.begin(), above.end(), path.begin());
}

bool same_source(const Column& a, const Column& b) {
  const auto special = [](const std::string& from) { return from == "*" || from == "."; };
  if (special(a.from) || special(b.from)) return a.from == b.from;
  return split_path(a.from) == split_path(b.from);
}

/// What null and a field that is not there come to; completes `taken` and `exact`.
void add_nothing(const Column& column, TypeSet& taken, Uncoerced& back) {
  using Type = ValueType;
  const bool json = column.type.kind == Kind::kJson || column.type.kind == Kind::kJsonb;
  const bool told_apart =
      column.from == "." || column.id_text_column || (json && column.policy.json_null);
  if (column.from == "*") return;
  if (json && column.policy.json_null) {  // JSON's null stands in the column, also a required one
    taken = taken.with({Type::kNull});
    back.exact = back.exact.with({Type::kNull});
  }
  if (column.required) return;
  taken = taken.with({Type::kNull});
  if (column.from != ".") taken = taken.with({Type::kMissing});
  if (told_apart) back.exact = back.exact.with({Type::kNull});
  if (column.default_value) {
    back.notes.push_back(told_apart ? "no field as the default"
                                    : "null and no field as the default");
  } else {
    back.exact = back.exact.with({Type::kMissing});
    if (!told_apart) back.notes.emplace_back("null as no field");
  }
}

std::string why_lost(const Column& column, const Uncoerced& back) {
  if (!back.lost.empty() || column.from == "*" || column.from == ".") return back.lost;
  for (const std::string& name : split_path(column.from)) {
    if (is_place(name))
      return fmt::format("{} may be a place in an array or the name of a field", name);
  }
  return {};
}

ColumnInverse of_column(const Column& column) {
  ColumnInverse out;
  if (!has_source(column)) {
    out.verdict = Verdict::kNoField;
    out.words = column.computed ? "computed by the hook" : generated_words(column.generate);
    return out;
  }
  Uncoerced back = describe_uncoerced(column);
  if (const std::string lost = why_lost(column, back); !lost.empty()) {
    out.verdict = Verdict::kLost;
    out.words = "does not come back: " + lost;
    return out;
  }
  TypeSet taken = column.from == "*" ? TypeSet{ValueType::kDocument} : back.taken;
  if (column.on_error == OnError::kNull || column.on_error == OnError::kDefault) {
    back.exact = {};
    const bool null = column.on_error == OnError::kNull;
    back.notes.push_back(null ? "nothing of what could not be read"
                              : "what could not be read as the default");
  }
  add_nothing(column, taken, back);
  out.exact = back.exact;
  out.verdict = back.exact.covers(taken) ? Verdict::kSame : Verdict::kChanged;
  if (out.verdict == Verdict::kSame) back.as = "it was";
  back.notes.insert(back.notes.begin(), back.as);
  out.words = fmt::format("comes back as {}", fmt::join(back.notes, "; "));
  return out;
}

/// The column of the table that has this one's field instead of it: the one that keeps most.
/// nullptr: none.
const Column* better(const TablePlan& table, size_t column,
                     const std::vector<ColumnInverse>& judged) {
  const Column& mine = table.columns[column];
  const auto rank = [&](size_t i) {
    return judged[i].verdict == Verdict::kLost ? -1 : judged[i].exact.size();
  };
  size_t best = column;
  bool inside = false;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& other = table.columns[i];
    if (i == column || !has_source(other) || judged[i].verdict == Verdict::kLost) continue;
    const bool around = lies_in(mine, other);
    if (!around && (inside || !same_source(mine, other))) continue;
    const bool first = rank(i) == rank(best) && i < best;
    if ((around && !inside) || rank(i) > rank(best) || first) best = i;
    inside = inside || around;
  }
  return best == column ? nullptr : &table.columns[best];
}

void add_table(const PlanShape& shape, size_t t, bool has_hook, MappingInverse& out) {
  const TablePlan& table = shape.tables()[t];
  std::vector<ColumnInverse> judged;
  for (const Column& column : table.columns) judged.push_back(of_column(column));
  std::vector<ColumnInverse> settled = judged;
  for (size_t c = 0; c < settled.size(); ++c) {
    ColumnInverse& inverse = settled[c];
    const Column& column = table.columns[c];
    inverse.table = t;
    inverse.column = c;
    if (!has_source(column)) continue;
    inverse.path = column.from;
    if (!table.path.empty())
      inverse.path = column.from == "." ? table.path : table.path + "." + column.from;
    if (const Column* other = better(table, c, judged)) {
      inverse.verdict = Verdict::kNoField;
      inverse.exact = {};
      inverse.words = fmt::format("comes back by column {}", other->name);
    } else if (has_hook && inverse.verdict != Verdict::kLost && t < shape.own_tables()) {
      inverse.verdict = Verdict::kChanged;
      inverse.exact = {};
      inverse.words += ", as the hook left it";
    }
  }
  out.columns.insert(out.columns.end(), settled.begin(), settled.end());
}

bool gives(const ColumnInverse& inverse) {
  return inverse.verdict == Verdict::kSame || inverse.verdict == Verdict::kChanged;
}

bool has_rest(const MappingInverse& inverse, const PlanShape& shape, size_t table) {
  return std::any_of(inverse.columns.begin(), inverse.columns.end(), [&](const auto& column) {
    const std::string& from = shape.tables()[table].columns[column.column].from;
    return column.table == table && gives(column) && (from == "*" || from == ".");
  });
}

bool gives_id(const MappingInverse& inverse, const PlanShape& shape) {
  bool taken = false, given = false;
  for (const ColumnInverse& column : inverse.columns) {
    if (column.table != 0 || (column.path != "_id" && !column.path.starts_with("_id."))) continue;
    taken = true;
    given = given || gives(column);
  }
  return given || (!taken && has_rest(inverse, shape, 0));
}

void add_notes(const PlanShape& shape, bool has_hook, MappingInverse& out) {
  const Mapping& mapping = shape.mapping();
  if (has_hook)
    out.notes.emplace_back("a hook stands in between: what it changed, added or left out stays so");
  out.notes.emplace_back(
      "fields come back in the order of the columns; those in jsonb in jsonb's order, equal names "
      "once; undefined comes back as null or as no field");
  const bool whole = mapping.unmapped == Unmapped::kError;
  for (size_t t = 0; t < shape.tables().size(); ++t) {
    const TablePlan& table = shape.tables()[t];
    if (t > 0 && t < shape.own_tables()) continue;
    const std::string where = t == 0 ? "" : "of " + table.path + " ";
    if (!whole && !has_rest(out, shape, t))
      out.notes.push_back(fmt::format(
          "fields {}that no column takes do not come back (from = '*' keeps them)", where));
    if (t >= shape.own_tables())
      out.notes.push_back(fmt::format(
          "{}: {} and null come back as no field, a null among documents as {{}}",
          unmarked(table.path), table.of_entries() ? "an empty document" : "an empty array"));
  }
  if (!mapping.route.from.empty())
    out.notes.push_back(
        fmt::format("{}, by which documents are routed, comes back only where a "
                    "column or from = '*' has it",
                    mapping.route.from));
}

}  // namespace

MappingInverse invert(const PlanShape& shape, bool has_hook) {
  MappingInverse out;
  for (size_t t = 0; t < shape.tables().size(); ++t) {
    if (t == 0 || t >= shape.own_tables()) add_table(shape, t, has_hook, out);
  }
  add_notes(shape, has_hook, out);
  size_t same = 0, sources = 0;
  for (const ColumnInverse& column : out.columns) {
    const bool source = !column.path.empty() && column.verdict != Verdict::kNoField;
    sources += source ? 1 : 0;
    same += source && column.verdict == Verdict::kSame ? 1 : 0;
  }
  out.possible = gives_id(out, shape);
  if (!out.possible) {
    out.verdict =
        "the mapping cannot be turned around: no column gives _id back (add one from = '_id')";
  } else if (has_hook) {
    out.verdict = "the mapping can be turned around, its hook cannot";
  } else {
    out.verdict = fmt::format(
        "the mapping can be turned around: {} of {} columns come back as they were", same, sources);
  }
  return out;
}

}  // namespace lugger
