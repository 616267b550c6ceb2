#include "postgres/steps.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "postgres/constraint_text.hpp"
#include "postgres/ddl.hpp"
#include "postgres/session.hpp"
#include "postgres/vector_index.hpp"

namespace lugger {
namespace {

std::string quote(std::string_view name) { return PgSession::quote_name(name); }

/// A lower-case word needs no quotes: "btree", "jsonb_path_ops".
std::string plain_or_quoted(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
  });
  return plain ? name : PgSession::quote_table(name);
}

std::string quote_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quote(name);
  return out;
}

/// A column name, a name with a direction ("created_at desc"), or an expression in parentheses
/// followed by anything.
std::string index_part(const std::string& part, const std::string& opclass) {
  std::string name = without_direction(part);
  const std::string direction = part.substr(name.size());
  const bool expression = name.starts_with("(");
  const bool chosen = expression && !name.ends_with(")");  // has its own opclass or collation
  std::string out = expression ? name : quote(name);
  if (!opclass.empty() && !chosen) out += " " + plain_or_quoted(opclass);
  return out + direction;
}

std::string storage(const std::map<std::string, std::string>& with) {
  std::string out;
  for (const auto& [name, value] : with) {
    const bool plain = std::all_of(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (!plain || name.empty())
      raise(Code::kConfig, "with: \"{}\" is not the name of a storage parameter", name);
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", name, PgSession::quote_literal(value));
  }
  return out.empty() ? out : " WITH (" + out + ")";
}

/// What an index's one part indexes: the column, or the expression without what follows it.
std::string element_of(const std::string& part) {
  if (!part.starts_with('(')) return quote(without_direction(part));
  size_t end = 0;
  for (int depth = 0; end < part.size(); ++end) {
    depth += part[end] == '(' ? 1 : part[end] == ')' ? -1 : 0;
    if (depth == 0) break;
  }
  return part.substr(0, end + 1);
}

/// The name of an index without a name of its own: made of its table and columns.
std::string index_stem(const IndexMapping& index, const std::string& table) {
  std::string name = split_table_name(table).second;
  for (const std::string& column : index.columns) {
    name += "_";
    for (char c : column) {
      const bool kept = std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0;
      name += kept ? c : '_';
    }
  }
  return name;
}

void unique_body(StageStep& step) {
  step.kind = StepKind::kUnique;
  step.unique = true;
  step.method = "btree";
  step.body =
      fmt::format("ON {} USING btree ({}){}", PgSession::quote_table(step.table),
                  quote_list(step.columns), step.nulls_not_distinct ? " NULLS NOT DISTINCT" : "");
}

void foreign_body(StageStep& step, const std::string& on_delete) {
  step.kind = StepKind::kForeign;
  step.body = fmt::format("FOREIGN KEY ({}) REFERENCES {}{}{}", quote_list(step.columns),
                          PgSession::quote_table(step.references),
                          step.referenced.empty() ? "" : " (" + quote_list(step.referenced) + ")",
                          on_delete.empty() ? "" : " ON DELETE " + on_delete);
}

void text_body(StageStep& step, const std::string& sql) {
  ConstraintText text = read_constraint(sql);
  step.body = sql;
  step.columns = std::move(text.columns);
  step.nulls_not_distinct = text.nulls_not_distinct;
  switch (text.kind) {
    case ConstraintText::Kind::kCheck:
      step.kind = StepKind::kCheck;
      step.expression = std::move(text.expression);
      break;
    case ConstraintText::Kind::kForeign:
      step.kind = StepKind::kForeign;
      step.references = std::move(text.references);
      step.referenced = std::move(text.referenced);
      break;
    case ConstraintText::Kind::kUnique: unique_body(step); break;
    case ConstraintText::Kind::kOther: break;
  }
}

std::string on_delete_words(const std::string& given) {
  for (const std::string_view known :
       {"", "cascade", "set null", "set default", "restrict", "no action"}) {
    if (given == known) return given;
  }
  raise(Code::kConfig,
        "on_delete = \"{}\" is not one of: cascade, set null, set default, restrict, no action",
        given);
}

StageStep constraint_step(const PlanShape& shape, const ConstraintMapping& given, size_t number,
                          ObjectNames& names) {
  StageStep step;
  step.table = given.table.empty() ? shape.tables()[0].name : given.table;
  step.nulls_not_distinct = given.nulls_not_distinct;
  std::string stem = split_table_name(step.table).second;
  std::string tail = fmt::format("_constraint_{}", number);
  if (!given.check.empty()) {
    step.kind = StepKind::kCheck;
    step.expression = given.check;
    step.body = "CHECK (" + given.check + ")";
    tail = fmt::format("_check_{}", number);
  } else if (!given.unique.empty()) {
    step.columns = given.unique;
    unique_body(step);
    stem += fmt::format("_{}", fmt::join(given.unique, "_"));
    tail = "_key";
  } else if (!given.foreign_key.empty()) {
    step.columns = given.foreign_key;
    step.references = given.references;
    step.referenced = given.referenced;
    foreign_body(step, on_delete_words(given.on_delete));
    stem += fmt::format("_{}", fmt::join(given.foreign_key, "_"));
    tail = "_fkey";
  } else {
    text_body(step, given.sql);
  }
  step.name = given.name;
  if (given.name.empty()) {
    step.name = step.kind == StepKind::kUnique ? names.index(step.table, stem, tail)
                                               : names.constraint(step.table, stem, tail);
  }
  return step;
}

void add_not_null(const PlanShape& shape, const ConstraintMapping& given, ObjectNames& names,
                  std::vector<StageStep>& steps) {
  const std::string table = given.table.empty() ? shape.tables()[0].name : given.table;
  const auto same = std::find_if(steps.begin(), steps.end(), [&](const StageStep& step) {
    return step.kind == StepKind::kNotNull && step.table == table;
  });
  const bool fresh = same == steps.end();
  StageStep* step = fresh ? &steps.emplace_back() : &*same;
  if (fresh) {
    step->kind = StepKind::kNotNull;
    step->table = table;
    step->name = names.constraint(table, split_table_name(table).second, "_lugger_not_null");
  }
  for (const std::string& column : given.not_null) {
    if (std::find(step->columns.begin(), step->columns.end(), column) == step->columns.end())
      step->columns.push_back(column);
  }
}

void add_parent_key(const PlanShape& shape, const TablePlan& table, ObjectNames& names,
                    std::vector<StageStep>& steps) {
  // A child row of routed documents may belong to any of several tables; no foreign key can express
  // that.
  if (table.parent < 0 || (table.parent == 0 && shape.own_tables() > 1)) return;
  const TablePlan& parent = shape.tables()[static_cast<size_t>(table.parent)];
  if (parent.key.empty()) return;
  StageStep step;
  step.table = table.name;
  step.name = names.constraint(table.name, split_table_name(table.name).second, "_parent_fkey");
  for (size_t slot : table.parent_key) step.columns.push_back(table.columns[slot].name);
  step.references = parent.name;
  step.referenced = key_names(parent);
  step.of_parent = true;
  foreign_body(step, "CASCADE");
  steps.push_back(std::move(step));
}

}  // namespace

std::string without_direction(const std::string& part) {
  for (std::string_view word : {" desc", " asc", " DESC", " ASC"}) {
    if (part.ends_with(word)) return part.substr(0, part.size() - word.size());
  }
  return part;
}

std::string StageStep::id() const {
  static constexpr std::string_view kWords[] = {"index",  "not_null",    "check",
                                                "unique", "foreign_key", "constraint"};
  return fmt::format("{} {} {}", kWords[static_cast<size_t>(kind)], table, name);
}

StageStep index_step(const IndexMapping& index, const std::string& table) {
  StageStep step;
  step.kind = StepKind::kIndex;
  step.stage = Stage::kIndex;
  step.table = index.table.empty() ? table : index.table;
  step.name = index.name;
  step.columns = index.columns;
  step.method = index.method.empty() ? "btree" : index.method;
  step.where = index.where;
  step.setup = index.setup;
  step.unique = index.unique;
  step.nulls_not_distinct = index.nulls_not_distinct;
  step.concurrently = index.concurrently;
  if (is_vector_index(step.method)) {
    step.element = element_of(index.columns[0]);
    const auto m = index.with.find("m");
    if (m != index.with.end()) step.m = std::atoi(m->second.c_str());
  }
  std::string parts;
  for (const std::string& column : index.columns)
    parts += (parts.empty() ? "" : ", ") + index_part(column, index.opclass);
  step.body =
      fmt::format("ON {} USING {} ({}){}{}{}{}", PgSession::quote_table(step.table),
                  plain_or_quoted(step.method), parts,
                  index.include.empty() ? "" : " INCLUDE (" + quote_list(index.include) + ")",
                  index.nulls_not_distinct ? " NULLS NOT DISTINCT" : "", storage(index.with),
                  index.where.empty() ? "" : " WHERE " + index.where);
  return step;
}

/// Of a table that the plan does not fill nothing is known.
static const TablePlan& table_of(const PlanShape& shape, const IndexMapping& index) {
  static const TablePlan kUnknown;
  if (index.table.empty()) return shape.tables()[0];
  const auto found = std::ranges::find(shape.tables(), index.table, &TablePlan::name);
  return found == shape.tables().end() ? kUnknown : *found;
}

std::vector<StageStep> stage_steps(const PlanShape& shape) {
  std::vector<StageStep> steps;
  ObjectNames names(shape);
  after_load_steps(shape, names);  // keys get their names first
  for (const IndexMapping& index : shape.mapping().indexes) {
    StageStep& step = steps.emplace_back(
        index_step(spelled_vector_index(index, table_of(shape, index)), shape.tables()[0].name));
    if (step.name.empty())
      step.name = names.index(step.table, index_stem(index, step.table), "_idx");
  }
  for (const TablePlan& table : shape.tables()) add_parent_key(shape, table, names, steps);
  size_t number = 0;
  for (const ConstraintMapping& constraint : shape.mapping().constraints) {
    if (constraint.not_null.empty()) {
      // Only these are numbered: not_null may stand anywhere in the list, and names must not
      // depend on where.
      steps.push_back(constraint_step(shape, constraint, ++number, names));
    } else {
      add_not_null(shape, constraint, names, steps);
    }
  }
  return steps;
}

std::vector<std::string> plain_columns(const StageStep& step) {
  if (step.kind != StepKind::kIndex) return step.columns;
  std::vector<std::string> out;
  for (const std::string& part : step.columns) {
    if (!part.starts_with("(")) out.push_back(without_direction(part));
  }
  return out;
}

std::string_view too_long_hint(const StageStep& step) noexcept {
  if (step.unique || step.kind == StepKind::kUnique)
    return "a B-tree index entry holds at most 2,704 bytes: replace it by a unique index of the "
           "md5, "
           "as in indexes = { { '(md5(email))', unique = true } }";
  return "a B-tree index entry holds at most 2,704 bytes: index the md5, or use method = 'hash'";
}

std::string index_statement(const StageStep& step, bool concurrently) {
  return fmt::format("CREATE {}INDEX {}{} {}", step.unique ? "UNIQUE " : "",
                     concurrently ? "CONCURRENTLY " : "", quote(step.name), step.body);
}

static std::string alter(const StageStep& step) {
  return "ALTER TABLE " + PgSession::quote_table(step.table) + " ";
}

std::string not_null_check(const StageStep& step, const std::vector<std::string>& columns) {
  std::string all;
  for (const std::string& column : columns)
    all += (all.empty() ? "" : " AND ") + quote(column) + " IS NOT NULL";
  return fmt::format("{}ADD CONSTRAINT {} CHECK ({}) NOT VALID", alter(step), quote(step.name),
                     all);
}

std::string set_not_null(const StageStep& step, const std::vector<std::string>& columns) {
  std::string all;
  for (const std::string& column : columns)
    all += fmt::format("{}ALTER COLUMN {} SET NOT NULL", all.empty() ? "" : ", ", quote(column));
  return alter(step) + all;
}

std::string add_constraint(const StageStep& step, bool not_valid) {
  return fmt::format("{}ADD CONSTRAINT {} {}{}", alter(step), quote(step.name), step.body,
                     not_valid ? " NOT VALID" : "");
}

std::string validate_constraint(const StageStep& step) {
  return alter(step) + "VALIDATE CONSTRAINT " + quote(step.name);
}

std::string drop_constraint(const StageStep& step) {
  return alter(step) + "DROP CONSTRAINT " + quote(step.name);
}

std::string attach_unique(const StageStep& step) {
  return fmt::format("{}ADD CONSTRAINT {} UNIQUE USING INDEX {}", alter(step), quote(step.name),
                     quote(step.name));
}

std::string pending_not_null(const StageStep& step) {
  return fitted_name(split_table_name(step.table).second, "_not_null_pending");
}

std::vector<std::string> step_statements(const StageStep& step, bool concurrently) {
  switch (step.kind) {
    case StepKind::kIndex:
      if (step.setup.empty()) return {index_statement(step, concurrently)};
      return {step.setup, index_statement(step, concurrently)};
    case StepKind::kNotNull:
      return {not_null_check(step, step.columns), validate_constraint(step),
              set_not_null(step, step.columns), drop_constraint(step)};
    case StepKind::kUnique: return {index_statement(step, concurrently), attach_unique(step)};
    case StepKind::kCheck:
    case StepKind::kForeign: return {add_constraint(step, true), validate_constraint(step)};
    case StepKind::kOther: break;
  }
  return {add_constraint(step, false)};
}

}  // namespace lugger
