#include "bindings/shared_table.hpp"

#include <bit>
#include <functional>
#include <memory>
#include <new>

#include "value/type.hpp"

namespace lugger {

namespace {

constexpr auto kFree = static_cast<uint8_t>(ValueType::kMissing);
constexpr auto kString = static_cast<uint8_t>(ValueType::kString);
constexpr auto kDouble = static_cast<uint8_t>(ValueType::kDouble);
constexpr auto kBool = static_cast<uint8_t>(ValueType::kBool);

uint64_t hash_of(std::string_view text) noexcept { return std::hash<std::string_view>{}(text); }
uint64_t hash_of(double number) noexcept {
  const uint64_t bits = std::bit_cast<uint64_t>(number + 0.0) * 0x9e3779b97f4a7c15ULL;
  return bits ^ bits >> 32;
}
uint64_t hash_of(bool value) noexcept { return value ? 0x5851f42d4c957f2dULL : 1; }

std::string_view text_of(const lug_value& value) noexcept {
  return {reinterpret_cast<const char*>(value.data), value.size};
}

uint64_t hash_of(const lug_value& key) noexcept {
  if (key.type == kString) return hash_of(text_of(key));
  return key.type == kDouble ? hash_of(key.f64) : hash_of(key.i64 != 0);
}

/// Part of a key's hash is kept with it, so that most other keys are told without a look at their bytes.
void set_hash(lug_value& key, uint64_t hash) noexcept {
  key.flags = static_cast<uint8_t>(hash);
  key.aux = static_cast<uint16_t>(hash >> 8);
}
bool has_hash(const lug_value& key, uint64_t hash) noexcept {
  return key.flags == static_cast<uint8_t>(hash) && key.aux == static_cast<uint16_t>(hash >> 8);
}

}  // namespace

template <typename Same>
const lug_value* SharedTable::search(uint64_t hash, Same&& same) const noexcept {
  if (keyed_ == 0) return nullptr;
  for (uint32_t slot = first_slot(hash);; slot = slot + 1 == room_ ? 0 : slot + 1) {
    const lug_shared_entry& entry = slots_[slot];
    if (entry.key.type == kFree) return nullptr;
    if (has_hash(entry.key, hash) && same(entry.key)) return &entry.value;
  }
}

const lug_value* SharedTable::find(std::string_view key) const noexcept {
  return search(hash_of(key), [&](const lug_value& other) {
    return other.type == kString && text_of(other) == key;
  });
}

const lug_value* SharedTable::find(double key) const noexcept {
  if (key >= 1 && key <= length_) {
    const auto place = static_cast<uint32_t>(key);
    if (static_cast<double>(place) == key) return list_ + place - 1;
  }
  return search(hash_of(key),
                [&](const lug_value& other) { return other.type == kDouble && other.f64 == key; });
}

const lug_value* SharedTable::find(bool key) const noexcept {
  return search(hash_of(key), [&](const lug_value& other) {
    return other.type == kBool && (other.i64 != 0) == key;
  });
}

uint32_t SharedTable::next(uint32_t slot) const noexcept {
  while (slot < room_ && slots_[slot].key.type == kFree) ++slot;
  return slot < room_ ? slot : static_cast<uint32_t>(LUG_SHARED_END);
}

lug_value& SharedTable::add(const lug_value& key) noexcept {
  const uint64_t hash = hash_of(key);
  uint32_t slot = first_slot(hash);
  while (slots_[slot].key.type != kFree) slot = slot + 1 == room_ ? 0 : slot + 1;
  slots_[slot].key = key;
  set_hash(slots_[slot].key, hash);
  return slots_[slot].value;
}

SharedTable* SharedRoot::make(uint32_t length, uint32_t keyed) {
  auto* table = new (arena_.allocate(sizeof(SharedTable))) SharedTable;
  table->root_ = this;
  table->length_ = length;
  table->list_ = new (arena_.allocate(length * sizeof(lug_value))) lug_value[length]();
  table->keyed_ = keyed;
  table->room_ = keyed == 0 ? 0 : keyed + keyed / 2 + 1;  // one is always free
  table->slots_ = new (arena_.allocate(table->room_ * sizeof(lug_shared_entry)))
      lug_shared_entry[table->room_]();
  return table;
}

}  // namespace lugger

using namespace lugger;

extern "C" {

static const SharedTable& table_of(const void* table) noexcept {
  return *static_cast<const SharedTable*>(table);
}

const lug_value* lug_shared_text(const void* table, const char* key, uint32_t size) noexcept {
  return table_of(table).find(std::string_view(key, size));
}

const lug_value* lug_shared_number(const void* table, double key) noexcept {
  return table_of(table).find(key);
}

const lug_value* lug_shared_bool(const void* table, int key) noexcept {
  return table_of(table).find(key != 0);
}

uint32_t lug_shared_next(const void* table, uint32_t slot) noexcept {
  return table_of(table).next(slot);
}

const lug_shared_entry* lug_shared_at(const void* table, uint32_t slot) noexcept {
  return &table_of(table).at(slot);
}

uint32_t lug_shared_count(const void* table) noexcept { return table_of(table).count(); }

uint32_t lug_shared_length(const void* table) noexcept { return table_of(table).length(); }

const lug_value* lug_shared_about(const void* table) noexcept { return &table_of(table).about(); }

void lug_shared_hold(const void* table) noexcept { table_of(table).root().hold(); }

void lug_shared_release(const void* table) noexcept { table_of(table).root().release(); }

}  // extern "C"
