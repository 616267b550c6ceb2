#include "bindings/lua_hook.hpp"

#include <algorithm>

#include "bindings/abi_cast.hpp"
#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_table.hpp"

namespace lugger {

namespace {

constexpr uint8_t kInherited = 16;  // flag of a slot: the value of the row that the hook was given

class LuaHook final : public RowHook {
 public:
  LuaHook(const PackedHook& packed, OnHookError on_error, const std::string& stdlib,
          std::shared_ptr<const PlanShape> shape, const std::string& now);
  void apply(Batch& batch) override;

  Batch& batch() noexcept { return *batch_; }
  /// The index of the table that refusals name.
  uint32_t plan_table(const lug_rows& rows) const noexcept {
    return rows.table == unrouted() ? 0 : rows.table;
  }
  void place(const lug_rows& rows, uint32_t row, uint32_t table);
  void add(const lug_rows& rows, uint32_t row, uint32_t table, const Value* slots);
  /// A row of lugger.emit; kHere: for the table that the hook chooses for the document's own row.
  void emit(const Value* slots, uint32_t table);
  void add_emitted(const lug_rows& rows, uint32_t row, uint32_t here);
  void forget_emitted() noexcept { waiting_.clear(), waiting_slots_.clear(); }
  void drop(const lug_rows& rows, uint32_t row) noexcept {
    live_[row] = 0;
    rows_of(rows.table).drop(row);
  }

 private:
  struct Made {
    uint32_t document, table;
    size_t slots;  // where its own begin
  };
  /// The index after the own tables: rows of documents without a route, for which the hook may name
  /// a table.
  uint32_t unrouted() const noexcept { return static_cast<uint32_t>(shape_->own_tables()); }
  RowSet& rows_of(uint32_t table) noexcept {
    return table == unrouted() ? batch_->unrouted : batch_->tables[table];
  }
  void push_columns();
  void push_shared();
  void tune_collector() noexcept;
  void apply_table(uint32_t table);
  void call_from(uint32_t row);
  bool is_refused_by_column(uint32_t row, const Error& error);
  void on_error(uint32_t row, const Error& error);
  Value* make(const lug_rows& rows, uint32_t row, uint32_t table);
  void merge_made();
  void merge_made(RowSet& set, std::vector<Made>::const_iterator first,
                  std::vector<Made>::const_iterator last);

  std::shared_ptr<const PlanShape> shape_;
  OnHookError on_error_;
  std::vector<SharedUse> shared_;
  lug_batch view_{};
  lug_rows rows_{};
  Batch* batch_ = nullptr;
  std::vector<uint32_t> documents_;  // of the current table
  std::vector<uint8_t> live_;
  std::vector<Made> made_;  // rows to be added, of the batch
  std::vector<Value> made_slots_;
  std::vector<uint32_t> waiting_;  // tables of the rows of lugger.emit, of the document
  std::vector<Value> waiting_slots_;
  RowSet merged_;
  int apply_ = LUA_NOREF;
  Interpreter lua_;  // last, so that it is closed first: its views use what is above
};

/// Loads bytecode that capture.lua of this process has made. Scripts cannot reach this function.
int undump(lua_State* L) {
  const std::string_view code = check_text(L, 1);
  if (luaL_loadbufferx(L, code.data(), code.size(), "=hook", "b") != 0) return lua_error(L);
  return 1;
}

LuaHook::LuaHook(const PackedHook& packed, OnHookError on_error, const std::string& stdlib,
                 std::shared_ptr<const PlanShape> shape, const std::string& now)
    : shape_(std::move(shape)),
      on_error_(on_error),
      shared_(packed.shared),
      lua_(Role::kWorker, stdlib) {
  view_.generation = 1;
  lua_State* L = lua_.state();
  lua_.require("lugger.inner.script.hook");
  lua_getfield(L, -1, "open");
  push(L, packed.text);
  lua_pushcfunction(L, undump);
  push_columns();
  lua_pushlightuserdata(L, &rows_);
  push(L, now);
  push_shared();
  call(L, 7, 1, Code::kHook);
  apply_ = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, 0);
}

/// Pushes two lists: names of columns, names of the document's own tables.
void LuaHook::push_columns() {
  lua_State* L = lua_.state();
  std::vector<std::string> names;
  for (const Column& column : shape_->tables()[0].columns) names.push_back(column.name);
  push(L, names);
  names.clear();
  for (size_t i = 0; i < shape_->own_tables(); ++i) names.push_back(shape_->tables()[i].name);
  push(L, names);
}

void LuaHook::push_shared() {
  lua_State* L = lua_.state();
  lua_createtable(L, static_cast<int>(shared_.size()), 0);
  int place = 0;
  for (const SharedUse& use : shared_) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): Lua has no pointer to const
    lua_pushlightuserdata(L, const_cast<SharedTable*>(use.table()));
    lua_rawseti(L, -2, ++place);
  }
}

/// Collecting a small heap often, before the strings of old rows leave the cache, makes a usual
/// hook 10 % faster. For a large heap, such as that of a hook with lookup tables, it would cost
/// more.
void LuaHook::tune_collector() noexcept {
  constexpr int kSmallKb = 8 * 1024, kTight = 105, kUsual = 200;
  lua_State* L = lua_.state();
  lua_gc(L, LUA_GCSETPAUSE, lua_gc(L, LUA_GCCOUNT, 0) < kSmallKb ? kTight : kUsual);
}

void LuaHook::apply(Batch& batch) {
  batch_ = &batch;
  tune_collector();
  made_.clear();
  made_slots_.clear();
  forget_emitted();
  view_.documents = reinterpret_cast<const lug_document*>(batch.documents.data());
  view_.count = static_cast<uint32_t>(batch.documents.size());
  view_.arena = &batch.arena();
  view_.self = &batch;
  for (uint32_t table = 0; table <= unrouted(); ++table) apply_table(table);
  ++view_.generation;
  merge_made();
}

void LuaHook::apply_table(uint32_t table) {
  RowSet& set = rows_of(table);
  const size_t count = set.rows();
  if (count == 0) return;
  documents_.resize(count);
  live_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    documents_[i] = set.document(i);
    live_[i] = set.live(i) && batch_->fates[set.document(i)] == Fate::kLoad ? 1 : 0;
  }
  rows_ = {&view_,
           reinterpret_cast<lug_value*>(set.row(0)),
           documents_.data(),
           live_.data(),
           static_cast<uint32_t>(count),
           static_cast<uint32_t>(set.width()),
           0,
           table,
           0,
           this};
  for (uint32_t next = 0; next < count; next = rows_.at + 1) {
    try {
      call_from(next);
      return;
    } catch (const Error& error) {
      on_error(rows_.at, error);
    }
  }
}

void LuaHook::call_from(uint32_t row) {
  lua_State* L = lua_.state();
  lua_rawgeti(L, LUA_REGISTRYINDEX, apply_);
  push(L, row);
  call(L, 1, 0, Code::kHook);
}

/// The hook ended at a value that did not fit its column, and has not written the column since: the
/// column refuses the row, with its own reason.
bool LuaHook::is_refused_by_column(uint32_t row, const Error& error) {
  const auto note = std::find_if(error.notes().begin(), error.notes().end(),
                                 [](const auto& one) { return one.first == "refused_column"; });
  if (note == error.notes().end() || live_[row] == 0) return false;
  const std::vector<Column>& columns = shape_->tables()[0].columns;
  const auto column = std::find_if(columns.begin(), columns.end(),
                                   [&](const Column& one) { return one.name == note->second; });
  if (column == columns.end()) return false;
  const Value& slot = rows_of(rows_.table).row(row)[column - columns.begin()];
  return (slot.flags & Value::kRefused) != 0;
}

void LuaHook::on_error(uint32_t row, const Error& error) {
  if (is_refused_by_column(row, error)) return;
  const uint32_t document = documents_[row];
  if (on_error_ == OnHookError::kReject && rows_.stop == 0) {
    batch_->refuse(
        {document, static_cast<int>(plan_table(rows_)), -1, Failure::kHook, {}, error.what()});
    return;
  }
  Error out(Code::kHook, "map: " + error.message(),
            error.hint().empty()
                ? "on_hook_error = \"reject\" would reject such documents and go on"
                : error.hint());
  for (const auto& [key, value] : error.notes()) out.note(key, value);
  out.note("document", document_id(batch_->documents[document], shape_->mapping()));
  throw out;
}

/// Slots for one more row of the document, a copy of this one.
Value* LuaHook::make(const lug_rows& rows, uint32_t row, uint32_t table) {
  const Value* from = rows_of(rows.table).row(row);
  const size_t start = made_slots_.size();
  made_.push_back({rows.documents[row], table, start});
  made_slots_.insert(made_slots_.end(), from, from + rows.width);
  drop(rows, row);
  return made_slots_.data() + start;
}

void LuaHook::place(const lug_rows& rows, uint32_t row, uint32_t table) { make(rows, row, table); }

void LuaHook::add(const lug_rows& rows, uint32_t row, uint32_t table, const Value* slots) {
  const std::vector<Column>& columns = shape_->tables()[0].columns;  // the same in every own table
  const bool first = made_.empty() || made_.back().document != rows.documents[row];
  Value* out = make(rows, row, table);
  for (size_t i = 0; i < columns.size(); ++i) {
    // A document's first row keeps its key, because other rows refer to it.
    const bool keeps = first && columns[i].generate == Column::Generate::kV5;
    if ((slots[i].flags & kInherited) == 0) {
      out[i] = slots[i];
    } else if (columns[i].generate != Column::Generate::kNone && !keeps) {
      out[i] = Value{};
    }
  }
}

void LuaHook::emit(const Value* slots, uint32_t table) {
  waiting_.push_back(table);
  waiting_slots_.insert(waiting_slots_.end(), slots, slots + rows_.width);
}

void LuaHook::add_emitted(const lug_rows& rows, uint32_t row, uint32_t here) {
  for (size_t i = 0; i < waiting_.size(); ++i) {
    add(rows, row, waiting_[i] == LUG_HERE ? here : waiting_[i],
        waiting_slots_.data() + i * rows.width);
  }
  forget_emitted();
}

void LuaHook::merge_made() {
  if (made_.empty()) return;
  std::stable_sort(made_.begin(), made_.end(), [](const Made& a, const Made& b) {
    return std::pair(a.table, a.document) < std::pair(b.table, b.document);
  });
  for (auto first = made_.cbegin(); first != made_.cend();) {
    const auto last = std::find_if(first, made_.cend(),
                                   [&](const Made& row) { return row.table != first->table; });
    merge_made(rows_of(first->table), first, last);
    first = last;
  }
}

/// All rows of a table in the order of the documents, because of rows with equal keys the order
/// decides which one stays.
void LuaHook::merge_made(RowSet& set, std::vector<Made>::const_iterator first,
                         std::vector<Made>::const_iterator last) {
  merged_.clear();
  merged_.shape(set.width());
  size_t next = 0;
  const auto take_until = [&](uint32_t document) {
    for (; next < set.rows() && set.document(next) < document; ++next) {
      if (set.live(next)) std::copy_n(set.row(next), set.width(), merged_.add(set.document(next)));
    }
  };
  for (; first != last; ++first) {
    take_until(first->document);
    if (batch_->fates[first->document] != Fate::kLoad) continue;
    std::copy_n(made_slots_.begin() + static_cast<ptrdiff_t>(first->slots), set.width(),
                merged_.add(first->document));
  }
  take_until(UINT32_MAX);
  std::swap(set, merged_);
}

LuaHook& hook_of(lug_rows* rows) noexcept { return *static_cast<LuaHook*>(rows->hook); }

template <typename Use>
int has_memory(Use&& use) noexcept {
  try {
    use();
    return 1;
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

PackedHook read_packed_hook(lua_State* L) {
  PackedHook out;
  lua_getfield(L, -1, "text");
  out.text = to_text(L, -1);
  lua_getfield(L, -2, "shared");
  for (int i = 1;; ++i) {
    lua_rawgeti(L, -1, i);
    if (lua_isnil(L, -1)) break;
    const auto* view = static_cast<const lug_shared*>(lua_topointer(L, -1));
    out.shared.emplace_back(*static_cast<const SharedTable*>(view->lug_table_));
    lua_pop(L, 1);
  }
  lua_pop(L, 3);
  return out;
}

HookFactory hook_factory(PackedHook packed, OnHookError on_error, std::string stdlib) {
  return [packed = std::move(packed), on_error, stdlib = std::move(stdlib)](
             std::shared_ptr<const PlanShape> shape, const std::string& now) {
    return std::make_unique<LuaHook>(packed, on_error, stdlib, std::move(shape), now);
  };
}

}  // namespace lugger

using namespace lugger;

extern "C" {

void lug_row_skip(lug_rows* rows, uint32_t i, const char* reason, uint32_t size) noexcept {
  hook_of(rows).batch().skip(rows->documents[i], {reason, size});
}

void lug_row_reject(lug_rows* rows, uint32_t i, const char* message, uint32_t size) noexcept {
  LuaHook& hook = hook_of(rows);
  hook.batch().refuse({rows->documents[i],
                       static_cast<int>(hook.plan_table(*rows)),
                       -1,
                       Failure::kHook,
                       {},
                       std::string(message, size)});
}

int lug_row_place(lug_rows* rows, uint32_t i, uint32_t table) noexcept {
  return has_memory([&] { hook_of(rows).place(*rows, i, table); });
}

int lug_row_add(lug_rows* rows, uint32_t i, uint32_t table, const lug_value* slots) noexcept {
  return has_memory([&] { hook_of(rows).add(*rows, i, table, &as_value(*slots)); });
}

int lug_row_emit(lug_rows* rows, const lug_value* slots, uint32_t table) noexcept {
  return has_memory([&] { hook_of(rows).emit(&as_value(*slots), table); });
}

int lug_row_add_emitted(lug_rows* rows, uint32_t i, uint32_t here) noexcept {
  return has_memory([&] { hook_of(rows).add_emitted(*rows, i, here); });
}

void lug_row_forget_emitted(lug_rows* rows) noexcept { hook_of(rows).forget_emitted(); }

}  // extern "C"
