// Extended JSON (v2 canonical and relaxed, v1 legacy) into BSON, parsed by simdjson.
#pragma once
#include <memory>
#include <string>

#include "base/bytes.hpp"

namespace lugger {

/// How the documents are arranged in the text.
enum class JsonLayout : uint8_t {
  kLines,
  kArray
};  // kLines: one after another, any white space between; kArray: one [ ... ]

/// What the objects of a text are. kExtended: those that look like a wrapper ({"$oid": ...}) are a
/// type of MongoDB, and a number with a fraction is a double. kPlain: nothing is a wrapper, no
/// digit of a number is lost, and nothing but JSON is read.
enum class JsonForm : uint8_t { kExtended, kPlain };

/// Turns text that arrives in pieces into BSON documents. Memory: one document and what of the
/// input is not yet used.
///   reader.feed(piece, last); while (reader.next(out)) ...   // out: appended BSON of one document
/// Errors are Error{parse} with line and column. A document that simdjson refuses but legacy tools
/// wrote (bare NaN, Infinity, \x escapes, ObjectId("..") and the other shell forms) takes the
/// tolerant path and is counted in tolerant().
class JsonReader {
 public:
  explicit JsonReader(JsonForm form = JsonForm::kExtended);
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;

  void feed(Bytes piece, bool last);
  /// All remaining input, parsed where it is. It must outlive the reader, with kPadding readable
  /// bytes after it.
  void feed_in_place(Bytes rest);
  static constexpr size_t kPadding = 64;
  /// True: one document's BSON was appended to out. False: more input is needed, or the input is
  /// done.
  bool next(ByteBuffer& out);
  /// Call this after next() has thrown: skips the invalid text and appends a replacement document
  /// (value/damaged.hpp). False: more input is needed to find the next document, or it cannot be
  /// found, because the input was cut or contains no documents.
  bool pass_damaged(std::string_view reason, ByteBuffer& out);
  /// Bytes of input up to the end of the last document, and the line (from 1) it ends in.
  uint64_t consumed() const noexcept;
  uint64_t line() const noexcept;
  uint64_t tolerant() const noexcept;
  /// Starts in the middle: the input begins at this offset and line, between two documents in this
  /// layout.
  void resume(uint64_t offset, uint64_t line, JsonLayout layout);
  JsonLayout layout() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What becomes of a number with a fraction or an exponent: a double, as in MongoDB's tools; or a
/// decimal where the double's shortest digits would say another number.
enum class JsonNumbers : uint8_t { kDoubles, kExact };

/// One document or value given as text, for options and the REPL. Returns a BSON document; a value
/// comes as {"": value}.
std::string bson_from_json(std::string_view json, JsonNumbers numbers = JsonNumbers::kDoubles);

}  // namespace lugger
