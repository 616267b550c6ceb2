#include "plan/plan.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/work.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"

namespace lugger {

Value default_of(const TablePlan& table, const Column& column, Arena& arena) {
  if (!column.default_value) return {};
  CoercePolicy policy = column.policy;
  policy.strict = policy.trim = policy.empty_null = false;
  Coercer coercer(column.type, policy);
  Value given = column.default_value->value(), out;
  given.flags = Value::kWritten;  // a reference may be given as it is stored
  const Failure failure = coercer(given, out, arena);
  out.flags = 0;
  if (failure != Failure::kNone) {
    raise(Code::kConfig, "{}.{}: default: {}", table.name, column.name,
          describe_failure(failure, given, column.type.sql));
  }
  if (column.required && out.absent())
    raise(Code::kConfig, "{}.{}: default: NULL, and the column is required", table.name,
          column.name);
  return out;
}

Plan::Plan(std::shared_ptr<const PlanShape> shape, bool has_hook)
    : shape_(std::move(shape)), work_(std::make_unique<Work>()) {
  const Mapping& mapping = shape_->mapping();
  work_->shape = shape_.get();
  work_->has_hook = has_hook;
  work_->id_namespace = collection_namespace(mapping.database, mapping.collection);
  const std::vector<TablePlan>& tables = shape_->tables();
  for (size_t i = 0; i < tables.size(); ++i) {
    std::vector<std::string> arrays;
    std::vector<size_t> children;
    for (size_t child = shape_->own_tables(); child < tables.size(); ++child) {
      const bool mine = tables[child].parent == static_cast<int>(i);
      if (!mine) continue;
      const std::string_view path = unmarked(tables[child].path);
      arrays.emplace_back(path.substr(tables[i].path.empty() ? 0 : tables[i].path.size() + 1));
      children.push_back(child);
    }
    const std::string route = i < shape_->own_tables() ? mapping.route.from : std::string();
    TableWork work{&tables[i], Scope(tables[i], arrays, route), {}, {}, std::move(children), {}};
    for (const Column& column : tables[i].columns) {
      work.coercers.emplace_back(column.type, column.policy);
      work.defaults.push_back(default_of(tables[i], column, work_->constants));
    }
    work.replaced.resize(tables[i].columns.size());
    work_->embeds = work_->embeds || std::ranges::any_of(tables[i].columns, [](const Column& one) {
                      return one.embed != nullptr;
                    });
    work_->tables.push_back(std::move(work));
  }
}

Plan::~Plan() = default;

void Plan::embed_with(std::unique_ptr<TextVectors> vectors) { work_->vectors = std::move(vectors); }

void Plan::run(Batch& batch, RowHook* hook) {
  Work& work = *work_;
  batch.tables.resize(work.tables.size());
  for (size_t i = 0; i < work.tables.size(); ++i)
    batch.tables[i].shape(work.tables[i].table->columns.size());
  batch.unrouted.shape(work.tables[0].table->columns.size());
  batch.fates.assign(batch.documents.size(), Fate::kLoad);
  for (uint32_t document = 0; document < batch.documents.size(); ++document) {
    if (batch.operation(document) == Operation::kDelete) {
      batch.fates[document] = Fate::kDelete;
    } else {
      work.make_rows(batch, document);
    }
  }
  if (hook != nullptr) {
    hook->apply(batch);
    work.finish_hooked(batch);
  }
  if (work.embeds) embed_rows(batch);
  key_rows(batch);
  work.read += batch.documents.size();
}

namespace {

/// Rows that a hook has seen before it skipped their document.
void drop_skipped_rows(Batch& batch) {
  if (batch.skipped.empty()) return;
  for (RowSet& rows : batch.tables) {
    for (size_t i = 0; i < rows.rows(); ++i)
      if (batch.fates[rows.document(i)] == Fate::kSkip) rows.drop(i);
  }
}

/// The document without its other fields, which were counted when it was read.
Document id_only(const Document& document, Arena& arena) {
  if (document.format != Format::kBson) return document;
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("_id", bson_field(document.bytes(), "_id"));
  writer.end();
  return {arena.copy(out.view()), static_cast<uint32_t>(out.size()), Format::kBson, nullptr};
}

}  // namespace

void Plan::key_rows(Batch& batch) {
  if (batch.operations.empty()) return;
  drop_skipped_rows(batch);
  for (uint32_t document = 0; document < batch.documents.size(); ++document) {
    Fate& fate = batch.fates[document];
    if (fate == Fate::kDelete) work_->make_key(batch, document, batch.documents[document]);
    if (fate != Fate::kSkip) continue;
    fate = Fate::kSkipDelete;
    work_->make_key(batch, document, id_only(batch.documents[document], batch.arena()));
  }
}

std::map<std::string, uint64_t> Plan::unmapped() const {
  std::map<std::string, uint64_t> out;
  if (work_->shape->mapping().unmapped == Unmapped::kIgnore) return out;
  for (const TableWork& work : work_->tables) {
    work.scope.unmapped(work.table->path.empty() ? "" : work.table->path + ".", out);
  }
  return out;
}

static std::string looked_for(const TablePlan& table, const Column& column) {
  const std::string_view dot = table.path.empty() ? "" : ".";
  return column.from == column.name
             ? fmt::format("{}{}{}", table.path, dot, column.from)
             : fmt::format("{}{}{} (column {})", table.path, dot, column.from, column.name);
}

std::map<std::string, Met> Plan::met() const {
  std::map<std::string, Met> out;
  for (const TableWork& work : work_->tables) {
    const std::vector<size_t>& unmet = work.scope.unmet();
    const auto note = [&](size_t taker, std::string label) {
      const bool found = std::find(unmet.begin(), unmet.end(), taker) == unmet.end();
      Met& met = out[std::move(label)];
      if (work.scope.was_read()) met = met | Met::kLooked | (found ? Met::kFound : Met::kNothing);
    };
    const std::vector<Column>& columns = work.table->columns;
    for (size_t i = 0; i < columns.size(); ++i) {
      const bool path = columns[i].from != "*" && columns[i].from != "." && !columns[i].computed;
      if (path && columns[i].generate == Column::Generate::kNone)
        note(i, looked_for(*work.table, columns[i]));
    }
    for (size_t i = 0; i < work.children.size(); ++i) {
      const TablePlan& child = shape_->tables()[work.children[i]];
      note(columns.size() + i, fmt::format("{} (table {})", child.path, child.name));
    }
  }
  return out;
}

std::map<std::string, uint64_t> Plan::replaced() const {
  std::map<std::string, uint64_t> out;
  for (const TableWork& work : work_->tables) {
    for (size_t i = 0; i < work.replaced.size(); ++i) {
      if (work.replaced[i] != 0)
        out[work.table->name + "." + work.table->columns[i].name] += work.replaced[i];
    }
  }
  return out;
}

}  // namespace lugger
