#include "postgres/copy_rows.hpp"

namespace lugger {

void append_copy_header(ByteBuffer& out) {
  static constexpr uint8_t kHeader[kCopyHeaderBytes] = {'P',  'G',  'C',  'O',  'P', 'Y',
                                                        '\n', 0xFF, '\r', '\n', 0};
  out.append(kHeader,
             sizeof kHeader);  // flags and extension length are the zeros behind the signature
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
