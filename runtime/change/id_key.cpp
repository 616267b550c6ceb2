#include "change/id_key.hpp"

#include <xxhash.h>

#include "value/id_text.hpp"

namespace lugger {

bool make_id_key(const Value& id, ByteBuffer& out) {
  out.clear();
  out.push(static_cast<uint8_t>(id.type));
  if (id.type == ValueType::kObjectId || id.type == ValueType::kString) {
    out.append(id.bytes());
    return true;
  }
  // Numbers of different types share a text; every other text says its type.
  out.data()[0] = 0;
  return append_id_text(id, IdStyle::kSafe, out);
}

uint64_t hash_of(Bytes key) noexcept { return XXH3_64bits(key.data(), key.size()); }

}  // namespace lugger
