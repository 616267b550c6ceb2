// Writes BSON into a buffer: documents made from JSON, from Lua tables, and what is left of a
// document for from = '*'.
#pragma once
#include <vector>

#include "value/value.hpp"

namespace lugger {

/// Append elements between begin() and end(); documents and arrays nest. The caller keeps names
/// free of NUL.
class BsonWriter {
 public:
  explicit BsonWriter(ByteBuffer& out) : out_(&out) {}

  // Without a name: the root, or the next element of the array under way (named by its index).
  void begin_document();
  void begin_array();
  void append(const Value& value);
  /// So many elements of the array under way at once.
  void append_doubles(std::span<const double> numbers);

  void begin_document(std::string_view name);  // 03
  void begin_array(std::string_view name);     // 04
  void end();                                  // closes the innermost
  /// Any BSON value, and what value/marked.hpp stores in BSON; other types (json, arrays of
  /// PostgreSQL) are a bug of the caller.
  void append(std::string_view name, const Value& value);
  /// A value by its type byte and the bytes that BSON has behind the name.
  void append_raw(std::string_view name, uint8_t type, Bytes payload) {
    header(type, name);
    out_->append(payload);
  }
  /// An element as BsonReader::element() gives it.
  void append_element(Bytes element) { out_->append(element); }
  /// Forgets what is open, for a new root, there or in another buffer.
  void reset() noexcept { open_.clear(); }
  void reset(ByteBuffer& out) noexcept {
    out_ = &out;
    open_.clear();
  }

 private:
  struct Open {
    size_t at;
    uint32_t next_index;
  };
  void open_here();
  void header(uint8_t type, std::string_view name);
  void index_header(uint8_t type);
  void payload(const Value& value);
  void append_string(std::string_view text);

  ByteBuffer* out_;
  std::vector<Open> open_;
};

}  // namespace lugger
