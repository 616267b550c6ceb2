#include "postgres/unit_keys.hpp"

#include <xxhash.h>

#include <algorithm>

namespace lugger {

namespace {

/// The text of an encoded field, after its length.
std::string_view text_of(const ByteBuffer& field) noexcept {
  const Bytes bytes = field.view();
  if (bytes.size() <= sizeof(int32_t)) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + sizeof(int32_t),
          bytes.size() - sizeof(int32_t)};
}

}  // namespace

UnitKeys::UnitKeys(const PgTableLayout& layout, const TablePlan& table) {
  for (const size_t at : layout.key) {
    const PgField& field = layout.fields[at];
    const ColumnType& type = table.columns[field.slot].type;
    if (!equal_by_bytes(field, type)) {
      fields_.clear();
      return;
    }
    fields_.push_back({field.slot, field_encoder(type.kind)});
  }
  text_ = layout.key.size() == 1 && layout.fields[layout.key[0]].text_key;
  clear();
}

void UnitKeys::clear() noexcept {
  hashes_.clear();
  last_.clear();
  ascend_ = text_;
}

void UnitKeys::add(const Value* row) {
  if (fields_.empty()) return;
  key_.clear();
  for (const Field& field : fields_) field.encode(row[field.slot], key_);
  hashes_.push_back(XXH3_64bits(key_.view().data(), key_.view().size()));
  if (!ascend_) return;
  ascend_ = text_of(last_) <= text_of(key_);
  std::swap(last_, key_);
}

bool UnitKeys::differ() {
  if (fields_.empty()) return false;
  std::sort(hashes_.begin(), hashes_.end());
  return std::adjacent_find(hashes_.begin(), hashes_.end()) == hashes_.end();
}

}  // namespace lugger
