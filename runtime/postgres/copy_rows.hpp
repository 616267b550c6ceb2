// Builds a COPY BINARY stream: header, rows, trailer.
#pragma once
#include <vector>

#include "postgres/encode.hpp"

namespace lugger {

inline constexpr uint8_t kCopySignature[11] = {'P',  'G',  'C',  'O',  'P', 'Y',
                                               '\n', 0xFF, '\r', '\n', 0};
inline constexpr size_t kCopyHeaderBytes = sizeof kCopySignature + 8;  // flags, length of more
/// How much is collected before it is handed to the server: so much that the cost of a call does
/// not matter, and so little that the server does not wait.
inline constexpr size_t kCopyChunkBytes = 128 * 1024;

/// Encodes rows of slots as tuples. Knows which slots are written, in the order of the COPY's
/// column list.
class RowEncoder {
 public:
  void add(size_t slot, EncodeField encode) { fields_.push_back({slot, encode}); }
  /// `leading`: fields that the caller appends itself between begin() and fields().
  void set_leading(int fields) noexcept { leading_ = fields; }

  void begin(ByteBuffer& out) const {
    out.append_be(static_cast<int16_t>(fields_.size() + static_cast<size_t>(leading_)));
  }
  void fields(const Value* row, ByteBuffer& out) const {
    for (const Field& field : fields_) field.encode(row[field.slot], out);
  }

 private:
  struct Field {
    size_t slot;
    EncodeField encode;
  };
  std::vector<Field> fields_;
  int leading_ = 0;
};

void append_copy_header(ByteBuffer& out);
void append_copy_trailer(ByteBuffer& out);
/// Appends a field of a column that lugger adds to a staging table.
void append_int8_field(int64_t value, ByteBuffer& out);
void append_int4_field(int32_t value, ByteBuffer& out);

}  // namespace lugger
