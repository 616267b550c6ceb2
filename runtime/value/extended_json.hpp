// Extended JSON, parsed by simdjson, as BSON: the wrappers of v2 (canonical, relaxed) and v1
// (legacy).
#pragma once
#include <simdjson.h>

#include <array>
#include <string>
#include <string_view>

#include "value/bson_writer.hpp"
#include "value/decimal.hpp"
#include "value/json_scan.hpp"

namespace lugger::json {

/// A wrapper that is not what it claims to be. `object`: which '{' of the text, counted from 0.
struct WrapperMistake {
  size_t object;
  std::string message;
};

/// Reused from document to document; allocates only for what is longer than anything before.
class ExtendedJsonWriter {
 public:
  explicit ExtendedJsonWriter(ByteBuffer& scratch) : scratch_(scratch) {}

  /// False: every object is a document.
  void take_wrappers(bool take) noexcept { wrappers_ = take; }
  /// A document's root is never a wrapper. Appends to `out`; throws WrapperMistake.
  void write_document(simdjson::dom::object root, ByteBuffer& out);
  /// Any value; whatever is not a plain document becomes {"": value}.
  void write_root(simdjson::dom::element root, ByteBuffer& out);
  /// Whether the last document has a double that is zero, or an integer.
  bool met_zero() const noexcept { return met_zero_; }
  bool met_whole_zero() const noexcept { return met_whole_zero_; }

 private:
  using Object = simdjson::dom::object;
  using Element = simdjson::dom::element;
  /// Where a value goes: the next element of an array, or a field.
  struct Slot {
    std::string_view name;
    bool indexed = false;
  };
  using Handler = bool (ExtendedJsonWriter::*)(const Slot&, Object, int);
  struct Wrapper {
    std::string_view key;
    Handler handler;
  };
  static const Wrapper kWrappers[];

  void value(const Slot& slot, Element element, int depth);
  void fields(Object object, int depth);
  void array(const Slot& slot, simdjson::dom::array array, int depth);
  void number(const Slot& slot, int64_t integer);
  void floating(const Slot& slot, double number);
  bool decimal_text(const Slot& slot, std::string_view text);
  void object(const Slot& slot, Object object, int depth);
  /// False: an ordinary document.
  bool wrapper(const Slot& slot, Object object, int depth);
  void put(const Slot& slot, const Value& value);
  void put_nothing(const Slot& slot, Object object, ValueType type, bool well_formed);

  bool object_id(const Slot& slot, Object object, int depth);
  bool int32(const Slot& slot, Object object, int depth);
  bool int64(const Slot& slot, Object object, int depth);
  bool number_double(const Slot& slot, Object object, int depth);
  bool decimal(const Slot& slot, Object object, int depth);
  bool date(const Slot& slot, Object object, int depth);
  bool binary(const Slot& slot, Object object, int depth);
  bool legacy_binary(const Slot& slot, Object object, int depth);
  bool uuid(const Slot& slot, Object object, int depth);
  bool regex(const Slot& slot, Object object, int depth);
  bool legacy_regex(const Slot& slot, Object object, int depth);
  bool timestamp(const Slot& slot, Object object, int depth);
  bool code(const Slot& slot, Object object, int depth);
  bool symbol(const Slot& slot, Object object, int depth);
  bool db_pointer(const Slot& slot, Object object, int depth);
  bool undefined(const Slot& slot, Object object, int depth);
  bool min_key(const Slot& slot, Object object, int depth);
  bool max_key(const Slot& slot, Object object, int depth);

  [[noreturn]] void refuse(std::string_view expected) const;
  std::string_view text(Object object, std::string_view key, std::string_view expected) const;
  std::string_view only_text(Object object, std::string_view key, std::string_view expected) const;
  Object inner(Object object, std::string_view key, size_t size, std::string_view expected);
  int64_t long_text(Object object, std::string_view expected) const;
  std::array<uint8_t, 12> oid_bytes(std::string_view hex, std::string_view expected) const;
  void put_binary(const Slot& slot, std::string_view base64, std::string_view subtype);
  void put_regex(const Slot& slot, std::string_view pattern, std::string_view options);

  ByteBuffer& scratch_;
  BsonWriter root_{scratch_};
  BsonWriter* writer_ = nullptr;  // root_, or that of a scope
  DecimalDigits digits_;
  Arena numerics_{4096};
  bool wrappers_ = true;
  bool met_zero_ = false, met_whole_zero_ = false;
  size_t objects_ = 0;  // '{' seen so far
  size_t current_ = 0;  // the one that a mistake is reported for
};

}  // namespace lugger::json
