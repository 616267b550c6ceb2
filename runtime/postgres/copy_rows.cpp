#include "postgres/copy_rows.hpp"

namespace lugger {

void append_copy_header(ByteBuffer& out) {
  out.append(kCopySignature, sizeof kCopySignature);
  out.append_be<int64_t>(0);  // no flags, no header extension
}

void append_copy_trailer(ByteBuffer& out) { out.append_be<int16_t>(-1); }

void append_int8_field(int64_t value, ByteBuffer& out) {
  out.append_be<int32_t>(8);
  out.append_be(value);
}

void append_int4_field(int32_t value, ByteBuffer& out) {
  out.append_be<int32_t>(4);
  out.append_be(value);
}

}  // namespace lugger
