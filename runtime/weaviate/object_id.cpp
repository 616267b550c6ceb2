#include "weaviate/object_id.hpp"

#include <algorithm>

#include "store/key_text.hpp"

namespace lugger {
namespace {

// RFC 9562, section 6.6.
constexpr Uuid kDnsNames = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                            0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

}  // namespace

ObjectIds::ObjectIds(const TablePlan& table)
    : table_(table),
      kept_(table.key.size() == 1 && table.columns[table.key[0]].type.kind == Kind::kUuid) {}

std::optional<Uuid> ObjectIds::of(const Value* row) const {
  if (kept_) {
    const Value& id = row[table_.key[0]];
    if (id.type != ValueType::kUuid) return std::nullopt;
    Uuid out;
    std::copy_n(id.data, out.size(), out.begin());
    return out;
  }
  std::vector<std::optional<std::string>> key;
  for (const size_t slot : table_.key) {
    const Value& part = row[slot];
    if (part.absent()) return std::nullopt;
    key.emplace_back(coerced_text(part, table_.columns[slot].type));
  }
  return of(key);
}

std::optional<Uuid> ObjectIds::of(std::span<const std::optional<std::string>> key) const {
  if (std::ranges::any_of(key, [](const auto& part) { return !part; })) return std::nullopt;
  if (kept_) {
    Uuid out;
    if (!parse_uuid(*key[0], out.data())) return std::nullopt;
    return out;
  }
  return uuid_v5(kDnsNames, *key_text(key));
}

}  // namespace lugger
