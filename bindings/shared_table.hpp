// What lugger.shared makes: a Lua table that cannot change, outside of any Lua state, so that all workers read the same
// one.
#pragma once
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/arena.hpp"
#include "bindings/abi.h"

namespace lugger {

class SharedRoot;

/// One table. Keys are of type string, double or bool.
class SharedTable {
 public:
  static constexpr uint8_t kNested =
      LUG_SHARED_NESTED;  // type of a value whose data is a SharedTable

  const lug_value* find(std::string_view key) const noexcept;
  const lug_value* find(double key) const noexcept;
  const lug_value* find(bool key) const noexcept;
  uint32_t next(uint32_t slot) const noexcept;
  const lug_shared_entry& at(uint32_t slot) const noexcept { return slots_[slot]; }
  uint32_t count() const noexcept { return length_ + keyed_; }
  uint32_t length() const noexcept { return length_; }
  SharedRoot& root() const noexcept { return *root_; }
  /// A text: what Lua said of the table beside its keys and values. Missing: nothing.
  const lug_value& about() const noexcept { return about_; }
  void set_about(const lug_value& about) noexcept { about_ = about; }

  /// While it is made: elements from 1, and entries with other keys, each once.
  lug_value& element(uint32_t place) noexcept { return list_[place - 1]; }
  lug_value& add(const lug_value& key) noexcept;

 private:
  friend class SharedRoot;
  template <typename Same>
  const lug_value* search(uint64_t hash, Same&& same) const noexcept;
  uint32_t first_slot(uint64_t hash) const noexcept {
    return static_cast<uint32_t>((hash >> 32) * room_ >> 32);
  }

  SharedRoot* root_ = nullptr;
  lug_value* list_ = nullptr;          // elements 1..length
  lug_shared_entry* slots_ = nullptr;  // open addressing; a free slot has a key of type missing
  uint32_t length_ = 0, keyed_ = 0, room_ = 0;
  lug_value about_{};
};

/// Owns a table, the tables in it, and all their bytes. Counts who uses it; made with one use.
class SharedRoot {
 public:
  /// A table with room for a list of this length and as many entries with other keys.
  SharedTable* make(uint32_t length, uint32_t keyed);
  std::string_view copy(std::string_view text) { return arena_.copy(text); }

  void hold() noexcept { uses_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (uses_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  Arena arena_{256 * 1024};
  std::atomic<uint32_t> uses_{1};
};

/// Keeps a shared table for as long as it lives.
class SharedUse {
 public:
  explicit SharedUse(const SharedTable& table) noexcept : table_(&table) { table.root().hold(); }
  SharedUse(const SharedUse& other) noexcept : SharedUse(*other.table_) {}
  SharedUse& operator=(SharedUse other) noexcept {
    std::swap(table_, other.table_);
    return *this;
  }
  ~SharedUse() { table_->root().release(); }
  const SharedTable* table() const noexcept { return table_; }

 private:
  const SharedTable* table_;
};

}  // namespace lugger
