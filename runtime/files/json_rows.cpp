#include "files/json_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.hpp"
#include "files/file_sources.hpp"
#include "place/whole.hpp"
#include "plan/infer.hpp"
#include "plan/plan.hpp"

namespace lugger {
namespace {

/// What is known of the lines once the plan was looked at.
struct Lines {
  std::string place;
  std::shared_ptr<const PlanShape> shape;  // reads a line back
  ComparedTable compared;

  std::unique_ptr<Source> open() const {
    return make_json_source(std::make_shared<const Input>(place, "json"), {}, JsonForm::kPlain);
  }
};

/// The mapping that reads what was written: each column from the field of its name.
Mapping reading_mapping(const TablePlan& table) {
  Mapping out;
  out.table = "lines";
  out.unmapped = Unmapped::kIgnore;
  for (const Column& written : table.columns) {
    Column column;
    column.name = written.name;
    column.type = written.type;
    column.from = escaped_path(written.name);
    column.policy.non_finite = CoercePolicy::NonFinite::kKeep;
    column.policy.json_null = written.policy.json_null;
    out.columns.push_back(std::move(column));
  }
  return out;
}

class LinesLook final : public RowsLook {
 public:
  LinesLook(const PlanShape& plan, Lines& lines) : plan_(plan), lines_(lines) {
    if (plan.tables().size() != 1) {
      throw Error(Code::kVerify,
                  fmt::format("{} has lines of {} tables: only those of one can be compared",
                              lines.place, plan.tables().size()),
                  "load them into PostgreSQL, and verify there");
    }
    lines_.shape = std::make_shared<const PlanShape>(reading_mapping(plan.tables()[0]));
  }

  RowsFacts facts() override { return {"JSON lines", lines_.open()->info().identity}; }

  StoredTable columns(size_t index, const std::vector<size_t>& slots) override {
    StoredTable out;
    for (const size_t slot : slots) {
      const Column& column = plan_.tables()[index].columns[slot];
      ComparedColumn compared;
      compared.slot = slot;
      compared.name = column.name;
      compared.type = column.type;
      compared.as = {column.type.kind, column.type.is_array() ? column.type.element : Kind::kText};
      // A line has no text of json, only its value.
      if (column.type.kind == Kind::kJson) compared.as.kind = Kind::kJsonb;
      if (column.type.kind == Kind::kOther) compared.as.kind = Kind::kText;
      out.columns.push_back(std::move(compared));
    }
    return out;
  }

  /// Two lines may have the same key, and nothing is wrong with that.
  void bind_key(ComparedTable& table, std::vector<std::string>&) override {
    lines_.compared = table;
  }

 private:
  const PlanShape& plan_;
  Lines& lines_;
};

using KeySet = std::unordered_set<std::string>;

void append_key(const std::optional<std::string>& text, std::string& out) {
  out += text ? fmt::format("{}:{}", text->size(), *text) : "null";
  out += ',';
}

KeySet key_set(const std::vector<const KeyText*>& keys) {
  KeySet out;
  for (const KeyText* key : keys) {
    std::string joined;
    for (const std::optional<std::string>& text : *key) append_key(text, joined);
    out.insert(std::move(joined));
  }
  return out;
}

class LinesReader final : public RowReader {
 public:
  explicit LinesReader(const Lines& lines) : lines_(lines), plan_(lines.shape), batch_(arena_) {}

  bool read(const RowPart& part, RowTaker& taker) override {
    const std::unique_ptr<Source> source = lines_.open();
    return read(*source->open(Partition{"0", part.rows}), nullptr, {}, taker);
  }
  void read_keys(size_t, const std::vector<const KeyText*>& keys, RowTaker& taker) override {
    look_up(keys, lines_.compared.key, taker);
  }
  void read_roots(size_t, const std::vector<const KeyText*>& roots, RowTaker& taker) override {
    look_up(roots, lines_.compared.root, taker);
  }
  void read_doubled(size_t, RowTaker&) override {}

 private:
  void look_up(const std::vector<const KeyText*>& keys, const std::vector<size_t>& of,
               RowTaker& taker) {
    const KeySet wanted = key_set(keys);
    const std::unique_ptr<Source> source = lines_.open();
    read(*open_whole(*source), &wanted, of, taker);
  }

  bool read(Cursor& cursor, const KeySet* wanted, const std::vector<size_t>& of, RowTaker& taker) {
    for (batch_.clear(), arena_.reset(); cursor.fill(batch_); batch_.clear(), arena_.reset()) {
      plan_.run(batch_, nullptr);
      const RowSet& rows = batch_.tables[0];
      for (size_t i = 0; i < rows.rows(); ++i) {
        if (!rows.live(i) || batch_.fates[rows.document(i)] != Fate::kLoad) continue;
        if (!give(rows.row(i), wanted, of, taker)) return false;
      }
    }
    return true;
  }

  bool give(const Value* row, const KeySet* wanted, const std::vector<size_t>& of,
            RowTaker& taker) {
    values_.clear();
    for (const ComparedColumn& column : lines_.compared.columns)
      values_.push_back(row[column.slot]);
    if (wanted != nullptr) {
      key_.clear();
      for (const size_t i : of)
        append_key(server_text_or_null(values_[i], lines_.compared.columns[i]), key_);
      if (!wanted->contains(key_)) return true;
    }
    return taker.row({lines_.compared.table, values_, hashes_});
  }

  const Lines& lines_;
  Plan plan_;
  Arena arena_;
  Batch batch_;
  std::vector<Value> values_, hashes_;
  std::string key_;
};

class LinesSnapshot final : public RowSnapshot {
 public:
  LinesSnapshot(const Lines& lines, int readers) : lines_(lines) {
    position_ = lines.open()->info().identity;
    for (int i = 0; i < std::max(readers, 1); ++i)
      readers_.push_back(std::make_unique<LinesReader>(lines));
  }
  const std::string& position() const noexcept override { return position_; }
  size_t readers() const noexcept override { return readers_.size(); }
  RowReader& reader(size_t i) noexcept override { return *readers_[i]; }
  std::vector<RowPart> parts(size_t table, const std::string& where) override {
    if (!where.empty())
      throw Error(Code::kConfig, "--where is a condition in SQL, and JSON lines have none",
                  "verify without it");
    std::vector<RowPart> out;
    for (const Partition& part : lines_.open()->split(static_cast<int>(readers_.size())))
      out.push_back({table, part.spec});
    return out;
  }

 private:
  const Lines& lines_;
  std::string position_;
  std::vector<std::unique_ptr<RowReader>> readers_;
};

class LinesRows final : public Rows {
 public:
  explicit LinesRows(std::string place) { lines_.place = std::move(place); }

  std::unique_ptr<RowsLook> look(const PlanShape& plan) override {
    return std::make_unique<LinesLook>(plan, lines_);
  }
  uint64_t count(size_t) override {
    struct Counter final : RowTaker {
      uint64_t rows = 0;
      bool row(const StoredRow&) override { return ++rows != 0; }
    } counter;
    LinesReader(lines_).read({0, ""}, counter);
    return counter.rows;
  }
  std::unique_ptr<TargetValues> values() override { return nullptr; }
  std::unique_ptr<RowSnapshot> snapshot(int readers) override {
    return std::make_unique<LinesSnapshot>(lines_, readers);
  }
  std::unique_ptr<RowEraser> eraser() override {
    throw Error(Code::kConfig, fmt::format("no line can be taken out of {}", lines_.place),
                "write it anew: lugger run --restart");
  }
  std::string why_not_erase(size_t) override { return "a file of JSON lines is only written anew"; }

 private:
  Lines lines_;
};

}  // namespace

std::unique_ptr<Rows> make_json_rows(std::string place) {
  return std::make_unique<LinesRows>(std::move(place));
}

}  // namespace lugger
