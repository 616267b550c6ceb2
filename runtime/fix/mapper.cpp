#include "fix/mapper.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

/// Called between the plan and the script's hook: knows which slots the hook wrote, and excludes
/// the others from coercion, so that an unchanged value cannot be refused.
class WatchedHook final : public RowHook {
 public:
  WatchedHook(const FixTable& table, std::unique_ptr<RowHook> hook, std::vector<uint8_t>& written)
      : table_(table),
        hook_(std::move(hook)),
        written_(written),
        field_of_(table.shape.fields.size(), -1) {
    for (size_t f = 0; f < table.fields.size(); ++f)
      field_of_[table.fields[f].slot] = static_cast<int>(f);
  }

  void apply(Batch& batch) override {
    RowSet& rows = batch.tables[0];
    const size_t count = rows.rows();
    const size_t width = table_.shape.fields.size();
    // In a fix lugger.null is JSON's null whatever stood there, so no slot is a row's own NULL.
    for (size_t r = 0; r < count; ++r)
      for (Value& slot : std::span(rows.row(r), width))
        if (slot.type == ValueType::kNull) slot.aux = 0;
    hook_->apply(batch);
    if (rows.rows() != count) {
      throw Error(Code::kHook, "map: a fix has one row for one row: lugger.emit has no place in it",
                  "write to the row that is there");
    }
    written_.assign(count * table_.fields.size(), 0);
    for (size_t r = 0; r < count; ++r) {
      if (rows.live(r) && batch.fates[rows.document(r)] == Fate::kLoad)
        look_at(rows.row(r), written_.data() + r * table_.fields.size());
    }
  }

 private:
  void look_at(Value* slots, uint8_t* written) const {
    for (size_t i = 0; i < field_of_.size(); ++i) {
      Value& slot = slots[i];
      if ((slot.flags & Value::kWritten) == 0) {
        slot.flags = 0;
        if (slot.type == ValueType::kMissing) slot = Value::null();
        continue;
      }
      if (field_of_[i] < 0) {
        throw Error(
            Code::kHook,
            fmt::format("map writes {}, which is not in `set`", table_.mapping.columns[i].name),
            fmt::format("add it: set = {{ ..., '{}' }}", table_.mapping.columns[i].name));
      }
      written[field_of_[i]] = 1;
      // nil removes a field of a document; lugger.null is a JSON null (codec.lua: i64 = 1).
      if (slot.type == ValueType::kNull && slot.i64 == 0) {
        slot = Value{};
        slot.flags = Value::kWritten;
      }
    }
  }

  const FixTable& table_;
  std::unique_ptr<RowHook> hook_;
  std::vector<uint8_t>& written_;  // row by row: whether the hook wrote a field
  std::vector<int> field_of_;      // a slot; -1: not in `set`
};

/// An array of any number of dimensions as the server reads it; coerced_text() knows one.
std::string array_text(const Value& value) {
  PgArrayReader reader(value.bytes());
  std::vector<size_t> sizes;
  sizes.reserve(static_cast<size_t>(reader.dimensions()));
  for (int i = 0; i < reader.dimensions(); ++i)
    sizes.push_back(load_be<uint32_t>(value.data + 12 + 8 * static_cast<size_t>(i)));
  Arena arena;
  ColumnType plain;
  plain.kind = Kind::kOther;
  std::string out;
  const std::function<void(size_t)> level = [&](size_t depth) {
    out += '{';
    for (size_t i = 0; i < sizes[depth]; ++i) {
      if (i != 0) out += ',';
      if (depth + 1 < sizes.size()) {
        level(depth + 1);
        continue;
      }
      if (!reader.next(arena)) raise(Code::kBug, "an array ends before its elements do");
      if (reader.value().absent()) {
        out += "NULL";
        continue;
      }
      out += '"';
      for (const char c : coerced_text(reader.value(), plain)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      out += '"';
    }
    out += '}';
  };
  if (sizes.empty()) return "{}";
  level(0);
  return out;
}

std::optional<std::string> text_of_slot(const Value& slot, const ColumnType& type) {
  if (slot.absent()) return std::nullopt;
  if (slot.type == ValueType::kPgArray) return array_text(slot);
  return input_text(slot, type);
}

Refusal refusal(const RowChange& change, int column, Failure failure, std::string message) {
  Refusal out;
  out.document = static_cast<uint32_t>(change.row);
  out.column = column;
  out.failure = failure;
  out.message = std::move(message);
  return out;
}

}  // namespace

FixMapper::FixMapper(const FixTable& table, const FixSpec& spec, const std::string& now)
    : table_(table), shape_(std::make_shared<const PlanShape>(table.mapping)) {
  plan_ = std::make_unique<Plan>(shape_, true);
  hook_ = std::make_unique<WatchedHook>(table, spec.hook(shape_, now), written_);
}

FixMapper::~FixMapper() = default;

std::vector<RowChange> FixMapper::run(PgSession& session, Batch& batch,
                                      const std::vector<FixRow>& rows) {
  plan_->run(batch, hook_.get());
  std::vector<RowChange> changes = candidates(batch, rows);
  if (!changes.empty()) settle(session, batch, rows, changes, 0, changes.size());
  std::erase_if(changes, [&](const RowChange& change) {
    return batch.fates[change.row] != Fate::kLoad || change.mask.find('1') == std::string::npos;
  });
  return changes;
}

/// Rows with a changed text. The server may still find the values equal.
std::vector<RowChange> FixMapper::candidates(Batch& batch, const std::vector<FixRow>& rows) {
  std::vector<RowChange> out;
  RowSet& set = batch.tables[0];
  for (size_t r = 0; r < set.rows(); ++r) {
    const size_t document = set.document(r);
    if (batch.fates[document] != Fate::kLoad || !set.live(r)) continue;
    RowChange change;
    change.row = document;
    change.mask.assign(table_.fields.size(), '0');
    change.after = rows[document].before;
    bool any = false;
    for (size_t f = 0; f < table_.fields.size(); ++f) {
      const size_t slot = table_.fields[f].slot;
      if (written_[r * table_.fields.size() + f] == 0) continue;
      std::optional<std::string> text =
          text_of_slot(set.row(r)[slot], table_.mapping.columns[slot].type);
      if (text == change.after[f]) continue;
      change.after[f] = std::move(text);
      change.mask[f] = '1';
      any = true;
    }
    if (!any) continue;
    check_place(batch, rows[document], change);
    out.push_back(std::move(change));
  }
  return out;
}

/// A path can be written only if its container exists.
void FixMapper::check_place(Batch& batch, const FixRow& row, RowChange& change) {
  for (size_t f = 0; f < table_.fields.size(); ++f) {
    const FixField& field = table_.fields[f];
    if (field.path.empty() || change.mask[f] == '0') continue;
    const std::string& parent = row.parent[f];
    const int column = static_cast<int>(field.slot);
    if (parent != "object" && parent != "array") {
      batch.refuse(refusal(
          change, column, Failure::kWrongType,
          fmt::format("{}: nothing can be set there, since what stands above is {}", field.name,
                      parent.empty() || parent == "null" ? "missing" : "a " + parent)));
    } else if (parent == "array" && !change.after[f]) {
      batch.refuse(refusal(change, column, Failure::kWrongType,
                           fmt::format("{}: an element cannot be taken out of an array by itself; "
                                       "set the whole array",
                                       field.name)));
    } else if (parent == "array" && !row.before[f]) {
      batch.refuse(refusal(
          change, column, Failure::kWrongType,
          fmt::format("{}: the array has no such element; set the whole array", field.name)));
    }
  }
}

/// Asks the server for the values of the new texts. A text that it refuses is found by halving.
void FixMapper::settle(PgSession& session, Batch& batch, const std::vector<FixRow>& rows,
                       std::vector<RowChange>& changes, size_t first, size_t last) {
  PgParams params;
  std::string arrays, names, list;
  for (size_t f = 0; f < table_.fields.size(); ++f) {
    TextArray array;
    for (size_t i = first; i < last; ++i)
      array.add(changes[i].mask[f] == '1' ? changes[i].after[f] : std::nullopt);
    params.emplace_back(array.take());
    arrays += fmt::format("{}pg_catalog.unnest(${}::text[])", f == 0 ? "" : ", ", f + 1);
    names += fmt::format("{}v{}", f == 0 ? "" : ", ", f);
    list += fmt::format("{}{}", f == 0 ? "" : ", ",
                        FixTable::text_of(fmt::format("s.v{}::{}", f, table_.fields[f].type)));
  }
  const bool transaction = session.in_transaction();
  try {
    if (transaction) session.execute("SAVEPOINT lugger_values");
    const PgRows made = session.query(
        fmt::format("SELECT {} FROM ROWS FROM ({}) WITH ORDINALITY AS s({}, n) ORDER BY s.n", list,
                    arrays, names),
        params);
    if (transaction) session.execute("RELEASE lugger_values");
    for (size_t i = first; i < last; ++i) {
      for (size_t f = 0; f < table_.fields.size(); ++f) {
        if (changes[i].mask[f] == '0') continue;
        changes[i].after[f] = made[i - first][f];
        if (changes[i].after[f] == rows[changes[i].row].before[f]) changes[i].mask[f] = '0';
      }
    }
  } catch (const Error& error) {
    if (error.code() == Code::kConnect || error.code() == Code::kInterrupted) throw;
    if (transaction) session.execute("ROLLBACK TO lugger_values");
    if (last - first == 1) {
      batch.refuse(refusal(changes[first], -1, Failure::kServer, error.message()));
      return;
    }
    const size_t middle = first + (last - first) / 2;
    settle(session, batch, rows, changes, first, middle);
    settle(session, batch, rows, changes, middle, last);
  }
}

}  // namespace lugger
