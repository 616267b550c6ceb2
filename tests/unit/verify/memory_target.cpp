#include "memory_target.hpp"

#include <algorithm>

namespace lugger::test {
namespace {

/// The columns are those of the plan, compared as they are.
class MemoryLook final : public RowsLook {
 public:
  explicit MemoryLook(const PlanShape& plan) : plan_(plan) {}
  RowsFacts facts() override { return {"memory 1.0", "this process"}; }
  StoredTable columns(size_t table, const std::vector<size_t>& slots) override {
    StoredTable out;
    for (const size_t slot : slots) {
      const Column& column = plan_.tables()[table].columns[slot];
      ComparedColumn& compared = out.columns.emplace_back();
      compared.slot = slot;
      compared.name = column.name;
      compared.type = column.type;
      compared.as = {column.type.kind, Kind::kText};
    }
    return out;
  }
  void bind_key(ComparedTable& table, std::vector<std::string>&) override {
    table.may_double = true;
  }

 private:
  const PlanShape& plan_;
};

class MemorySnapshot final : public RowSnapshot, public RowReader {
 public:
  explicit MemorySnapshot(std::vector<MemoryRow> rows) : rows_(std::move(rows)) {}

  const std::string& position() const noexcept override { return position_; }
  size_t readers() const noexcept override { return 1; }
  RowReader& reader(size_t) noexcept override { return *this; }
  std::vector<RowPart> parts(size_t table, const std::string&) override {
    return {{table, "odd"}, {table, "even"}};
  }

  bool read(const RowPart& part, RowTaker& taker) override {
    const int64_t rest = part.rows == "odd" ? 1 : 0;
    return show(taker, [&](const MemoryRow& row) { return row.number % 2 == rest; });
  }
  void read_keys(size_t, const std::vector<const KeyText*>& keys, RowTaker& taker) override {
    show(taker, [&](const MemoryRow& row) {
      return std::any_of(keys.begin(), keys.end(),
                         [&](const KeyText* key) { return key->front() == row.key; });
    });
  }
  void read_roots(size_t table, const std::vector<const KeyText*>& roots,
                  RowTaker& taker) override {
    read_keys(table, roots, taker);
  }
  void read_doubled(size_t, RowTaker& taker) override {
    show(taker, [&](const MemoryRow& row) {
      return 1 < std::count_if(rows_.begin(), rows_.end(),
                               [&](const MemoryRow& other) { return other.key == row.key; });
    });
  }

 private:
  template <typename Shown>
  bool show(RowTaker& taker, Shown&& shown) {
    for (const MemoryRow& row : rows_) {
      if (!shown(row)) continue;
      values_ = {Value::of(ValueType::kString, std::string_view(row.key)),
                 Value::of(ValueType::kInt32, row.number)};
      if (!taker.row({0, values_, hashes_})) return false;
    }
    return true;
  }
  std::vector<MemoryRow> rows_;
  std::vector<Value> values_, hashes_;
  std::string position_ = "now";
};

class MemoryRows final : public Rows {
 public:
  explicit MemoryRows(std::vector<MemoryRow> rows) : rows_(std::move(rows)) {}
  std::unique_ptr<RowsLook> look(const PlanShape& plan) override {
    return std::make_unique<MemoryLook>(plan);
  }
  uint64_t count(size_t) override { return rows_.size(); }
  std::unique_ptr<TargetValues> values() override { return nullptr; }
  std::unique_ptr<RowSnapshot> snapshot(int) override {
    return std::make_unique<MemorySnapshot>(rows_);
  }
  std::unique_ptr<RowEraser> eraser() override { return nullptr; }

 private:
  std::vector<MemoryRow> rows_;
};

}  // namespace

std::unique_ptr<Rows> MemoryTarget::rows() { return std::make_unique<MemoryRows>(rows_); }

}  // namespace lugger::test
