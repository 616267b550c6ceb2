// {"_id": key} as BSON: how keys are kept in partitions, positions and questions.
#pragma once
#include <vector>

#include "value/bson_writer.hpp"

namespace lugger {

using KeyDocument = std::vector<uint8_t>;

/// Replaces what `out` holds; the bytes returned are those of `out`.
inline Bytes write_key(const Value& id, ByteBuffer& out) {
  out.clear();
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("_id", id);
  writer.end();
  return out.view();
}

inline KeyDocument key_document(const Value& id) {
  ByteBuffer out;
  const Bytes bytes = write_key(id, out);
  return {bytes.begin(), bytes.end()};
}

}  // namespace lugger
