// Finds the documents that NOT NULL columns would refuse, before anything is loaded. Applies the
// mapping and its hooks.
#include "base/error.hpp"
#include "engine/job_impl.hpp"
#include "engine/rejects.hpp"
#include "place/whole.hpp"

namespace lugger {
namespace {

constexpr size_t kExamples = 5;

void make_optional(std::vector<Column>& columns) {
  for (Column& column : columns) column.required = false;
}

void make_optional(std::vector<ChildMapping>& children) {
  for (ChildMapping& child : children) {
    make_optional(child.columns);
    make_optional(child.children);
  }
}

/// The same mapping, with only those columns required that a row cannot do without, so that a
/// document is counted for every column that it lacks.
std::shared_ptr<const PlanShape> lenient(const PlanShape& shape) {
  Mapping mapping = shape.mapping();
  make_optional(mapping.columns);
  make_optional(mapping.children);
  return std::make_shared<const PlanShape>(std::move(mapping));
}

class SourcePreflight {
 public:
  SourcePreflight(JobImpl& job, const PlanShape& shape) : job_(job), loose_(lenient(shape)) {
    const Stages* stages = job_.open_target_once().stages();
    const std::vector<TableColumn> not_null =
        stages == nullptr ? std::vector<TableColumn>() : stages->not_null(shape);
    for (size_t t = 0; t < shape.tables().size(); ++t) watch_table(shape, t, not_null);
    if (stages != nullptr) longest_key_ = stages->longest_key();
  }

  std::vector<Refused> run(uint64_t limit, const StopFlag* stop) {
    Plan plan(loose_, static_cast<bool>(job_.spec.hook));
    const std::unique_ptr<RowHook> hook = job_.make_hook(job_.spec.now);
    Arena arena;
    Batch batch(arena);
    Source& source = job_.open_source_once();
    uint64_t left = limit == 0 ? UINT64_MAX : limit;
    const std::unique_ptr<Cursor> cursor = open_whole(source);
    for (; left > 0; left -= batch.documents.size()) {
      batch.clear();
      arena.reset();
      batch.max_documents = static_cast<uint32_t>(std::min<uint64_t>(left, 1000));
      if (!cursor->fill(batch, or_never(stop))) break;
      plan.run(batch, hook.get());
      count(batch);
      if (stop != nullptr && stop->requested())
        throw Error(Code::kInterrupted, "stopped while counting; nothing was written");
    }
    return result();
  }

 private:
  struct Watched {
    size_t table, slot;
    Refused refused;
  };

  void watch_table(const PlanShape& shape, size_t t, const std::vector<TableColumn>& not_null) {
    const TablePlan& table = shape.tables()[t];
    const std::vector<TargetColumn> stored = job_.open_target_once().columns(table.name);
    for (size_t slot = 0; slot < table.columns.size(); ++slot) {
      const Column& column = table.columns[slot];
      if (column.generate != Column::Generate::kNone) continue;
      std::string kind;
      for (const TargetColumn& one : stored) {
        if (one.name == column.name && one.not_null) kind = "NOT NULL of the table";
      }
      for (const TableColumn& one : not_null) {
        if (one.table == table.name && one.column == column.name) kind = "not null";
      }
      if (column.required) kind = "required";
      if (kind.empty()) continue;
      Watched& watched = watched_.emplace_back(Watched{t, slot, {}});
      watched.refused.table = table.name;
      watched.refused.column = column.name;
      watched.refused.constraint = column.name;
      watched.refused.kind = kind;
    }
  }

  void add(Refused& refused, const Document& document) {
    ++refused.rows;
    if (refused.examples.size() < kExamples)
      refused.examples.push_back(document_id(document, loose_->mapping()));
  }

  void count(Batch& batch) {
    for (Watched& watched : watched_) {
      const RowSet& rows = batch.tables[watched.table];
      for (size_t i = 0; i < rows.rows(); ++i) {
        if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
        if (rows.row(i)[watched.slot].absent())
          add(watched.refused, batch.documents[rows.document(i)]);
      }
    }
    if (longest_key_ != 0) count_long_keys(batch);
    for (const Refusal& refusal : batch.refusals) refuse(refusal, batch);
  }

  void count_long_keys(const Batch& batch) {
    for (size_t t = 0; t < loose_->own_tables(); ++t) {
      const TablePlan& table = loose_->tables()[t];
      const RowSet& rows = batch.tables[t];
      for (size_t i = 0; i < rows.rows(); ++i) {
        if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
        uint64_t bytes = 0;
        for (size_t slot : table.key) bytes += rows.row(i)[slot].size;
        if (bytes <= longest_key_) continue;
        const std::string columns = key_columns(table);
        Refused& refused = others_[table.name + "\n" + columns + "\ntoo long"];
        refused.table = table.name;
        refused.column = refused.constraint = columns;
        refused.kind = "too long";
        refused.message = fmt::format(
            "an index takes keys of {} bytes; a longer one is loaded only where it compresses well",
            longest_key_);
        add(refused, batch.documents[rows.document(i)]);
      }
    }
  }

  static std::string key_columns(const TablePlan& table) {
    std::string out;
    for (size_t slot : table.key) out += (out.empty() ? "" : ", ") + table.columns[slot].name;
    return out;
  }

  /// A document that the mapping itself refuses: a key is missing, or a value cannot be read.
  void refuse(const Refusal& refusal, const Batch& batch) {
    const TablePlan& table = loose_->tables()[static_cast<size_t>(refusal.table)];
    const std::string column =
        refusal.column < 0 ? "" : table.columns[static_cast<size_t>(refusal.column)].name;
    const bool missing = refusal.failure == Failure::kRequired;
    for (Watched& watched : watched_) {
      if (missing && watched.refused.table == table.name && watched.refused.column == column)
        return add(watched.refused, batch.documents[refusal.document]);
    }
    Refused& other =
        others_[table.name + "\n" + column + "\n" + std::string(refusal_code(refusal))];
    other.table = table.name;
    other.column = column;
    other.constraint = column.empty() ? table.name : column;
    other.kind = missing ? "required" : refusal_code(refusal);
    add(other, batch.documents[refusal.document]);
  }

  std::vector<Refused> result() {
    std::vector<Refused> out;
    for (Watched& watched : watched_) {
      if (watched.refused.rows != 0) out.push_back(std::move(watched.refused));
    }
    for (auto& [key, refused] : others_) out.push_back(std::move(refused));
    return out;
  }

  JobImpl& job_;
  std::shared_ptr<const PlanShape> loose_;
  std::vector<Watched> watched_;
  uint64_t longest_key_ = 0;  // 0: no bound
  std::map<std::string, Refused> others_;
};

}  // namespace

std::vector<Refused> Job::preflight_source(uint64_t limit, const StopFlag* stop) {
  const std::shared_ptr<const PlanShape> bound = shape();
  return SourcePreflight(*impl_, *bound).run(limit, stop);
}

}  // namespace lugger
