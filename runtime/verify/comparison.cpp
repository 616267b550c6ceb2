#include "verify/comparison.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "plan/plan.hpp"

namespace lugger {

namespace {

/// Types whose values newer_rank orders as the server does. Not those that the server orders by a
/// collation, by parts, or by more bytes than a rank has.
bool is_ranked(Kind kind) noexcept {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt2:
    case Kind::kInt4:
    case Kind::kInt8:
    case Kind::kFloat4:
    case Kind::kFloat8:
    case Kind::kNumeric:
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestamptz: return true;
    default: return false;
  }
}

class Maker {
 public:
  Maker(RowsLook& look, const PlanShape& shape, const std::vector<std::string>& only,
        Comparison& out)
      : look_(look), shape_(shape), only_(only), out_(out) {}

  void run() {
    check_only();
    for (size_t t = 0; t < shape_.tables().size(); ++t) make_table(t);
  }

 private:
  void check_only() const {
    for (const std::string& name : only_) {
      std::vector<std::string_view> names;
      for (const TablePlan& table : shape_.tables()) {
        for (const Column& column : table.columns) names.push_back(column.name);
      }
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const std::string_view near = nearest(name, names);
      throw Error(
          Code::kConfig, fmt::format("--columns: no table has a column {}", name),
          near.empty() ? "name columns of the mapping" : fmt::format("did you mean {}?", near));
    }
  }

  void make_table(size_t index) {
    const TablePlan& plan = shape_.tables()[index];
    ComparedTable table;
    table.table = index;
    table.name = plan.name;
    table.own = plan.parent < 0;
    StoredTable stored = look_.columns(index, compared_slots(index, table));
    table.columns = std::move(stored.columns);
    std::vector<int> place(plan.columns.size(), -1);
    for (size_t i = 0; i < table.columns.size(); ++i)
      place[table.columns[i].slot] = static_cast<int>(i);
    for (ColumnFinding& finding : stored.altered) out_.altered.push_back(std::move(finding));
    out_.unsettled = out_.unsettled || stored.unsettled;
    bind_key(plan, place, table);
    bind_newer(plan, place, table);
    tell_left_out(plan, table);
    look_.bind_key(table, out_.notes);
    out_.tables.push_back(std::move(table));
  }

  /// The key columns and the requested columns, without those whose value differs each time.
  std::vector<size_t> compared_slots(size_t index, ComparedTable& table) const {
    const TablePlan& plan = shape_.tables()[index];
    std::vector<size_t> out;
    for (size_t slot = 0; slot < plan.columns.size(); ++slot) {
      const Column& column = plan.columns[slot];
      if (table.own && column.name == shape_.mapping().newer) table.newer = static_cast<int>(slot);
      const bool key = std::find(plan.key.begin(), plan.key.end(), slot) != plan.key.end() ||
                       table.newer == static_cast<int>(slot);
      if (!key && !wanted(column.name)) continue;
      if (repeats(index, slot))
        out.push_back(slot);
      else
        table.left_out.push_back(column.name);
    }
    return out;
  }

  bool wanted(const std::string& name) const {
    return only_.empty() || std::find(only_.begin(), only_.end(), name) != only_.end();
  }

  /// True when the value is the same each time it is made. For a parent key: when the parent's is.
  bool repeats(size_t index, size_t slot) const {
    const TablePlan& table = shape_.tables()[index];
    const Column::Generate generate = table.columns[slot].generate;
    if (generate == Column::Generate::kParentKey) {
      const auto parent = static_cast<size_t>(table.parent);
      return repeats(parent, shape_.tables()[parent].key[slot]);
    }
    return generate != Column::Generate::kV7 && generate != Column::Generate::kServer;
  }

  static void bind_key(const TablePlan& plan, const std::vector<int>& place, ComparedTable& table) {
    const size_t root = plan.parent < 0 ? plan.key.size() : 0;
    for (const size_t slot : plan.key) {
      if (place[slot] < 0) {
        table.key.clear();
        return;
      }
      table.key.push_back(static_cast<size_t>(place[slot]));
    }
    for (size_t i = 0; i < root; ++i) table.root.push_back(table.key[i]);
  }

  void bind_newer(const TablePlan& plan, const std::vector<int>& place, ComparedTable& table) {
    if (table.newer < 0) return;
    const auto slot = static_cast<size_t>(table.newer);
    const Kind kind = plan.columns[slot].type.kind;
    const int at = place[slot];
    table.version = at;
    if (at >= 0 && !table.columns[static_cast<size_t>(at)].by_server && is_ranked(kind)) {
      table.newer_compared = at;
      table.newer_exact = kind != Kind::kNumeric;
      if (table.newer_exact) table.version = -1;
      return;
    }
    out_.notes.push_back(
        fmt::format("{}: only the server can tell which of two rows is newer by {}: a row that is "
                    "newer than its document counts as different, and of several documents of one "
                    "key any may be there",
                    plan.name, plan.columns[slot].name));
  }

  void tell_left_out(const TablePlan& plan, ComparedTable& table) {
    // The key of every descendant begins with the key of the document's own row.
    if (!table.own && !table.key.empty()) {
      const size_t root = shape_.tables()[0].key.size();
      table.root.assign(table.key.begin(), table.key.begin() + static_cast<std::ptrdiff_t>(root));
    }
    if (!plan.key.empty() && table.key.empty()) {
      out_.notes.push_back(
          fmt::format("{}: its key cannot be computed again, so rows are compared without it: they "
                      "are missing or extra, never different",
                      plan.name));
    }
    if (table.left_out.empty()) return;
    std::string names;
    for (const std::string& name : table.left_out) names += (names.empty() ? "" : ", ") + name;
    out_.notes.push_back(fmt::format(
        "{}: not compared, since the server or the clock fills them: {}", plan.name, names));
  }

  RowsLook& look_;
  const PlanShape& shape_;
  const std::vector<std::string>& only_;
  Comparison& out_;
};

}  // namespace

Comparison make_comparison(RowsLook& look, const PlanShape& shape,
                           const std::vector<std::string>& only) {
  Comparison out;
  Maker(look, shape, only, out).run();
  return out;
}

}  // namespace lugger
