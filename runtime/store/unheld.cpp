#include "store/unheld.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/assemble.hpp"
#include "plan/work.hpp"
#include "store/object_sink.hpp"

namespace lugger {
namespace {

bool replaces(const Column& column) noexcept {
  return column.on_error == OnError::kDefault ||
         (column.on_error == OnError::kNull && !column.required);
}

}  // namespace

UnheldValues::UnheldValues(const TablePlan& table)
    : table_(table), replaced_(table.columns.size()) {
  for (const Column& column : table.columns) {
    defaults_.push_back(column.on_error == OnError::kDefault ? default_of(table, column, arena_)
                                                             : Value::null());
  }
}

bool UnheldValues::any(const TablePlan& table) noexcept {
  return std::ranges::any_of(table.columns, replaces);
}

Failure UnheldValues::append(RowEncoder& encoder, Value* row, int& column, ByteBuffer& out) {
  const size_t before = out.size();
  for (;;) {
    column = -1;
    const Failure failure = encoder.append(row, column, out);
    if (failure == Failure::kNone) return failure;
    out.truncate(before);
    if (!replace(row, column, failure)) return failure;
  }
}

/// True: the value that the store refused is another now.
bool UnheldValues::replace(Value* row, int column, Failure failure) {
  if (column < 0) return false;
  const auto slot = static_cast<size_t>(column);
  const Column& spec = table_.columns[slot];
  if (spec.on_error == OnError::kError) {
    throw Error(
        Code::kCoerce,
        fmt::format("{}: {}", spec.name, describe_failure(failure, row[slot], spec.type.sql)),
        "on_error = \"error\" stops the run; on_error = \"reject\" would go on")
        .note("column", spec.name);
  }
  // The default may be what the store cannot hold.
  if (!replaces(spec) || same_slot(row[slot], defaults_[slot])) return false;
  row[slot] = defaults_[slot];
  ++replaced_[slot];
  return true;
}

std::map<std::string, uint64_t> UnheldValues::counts() const {
  std::map<std::string, uint64_t> out;
  for (size_t i = 0; i < replaced_.size(); ++i)
    if (replaced_[i] != 0) out[table_.name + "." + table_.columns[i].name] += replaced_[i];
  return out;
}

}  // namespace lugger
