// Reads what COPY ... TO STDOUT (FORMAT binary) sends: a header, one tuple in each message, a
// trailer. No other code reads this format; value/pgrow_reader turns a field into a value.
#pragma once
#include <optional>
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// The fields of one tuple, in order. Error{read} when the tuple is truncated.
class TupleFields {
 public:
  explicit TupleFields(Bytes tuple);
  size_t count() const noexcept { return count_; }
  /// The next field; nullopt is NULL.
  std::optional<Bytes> next();
  /// Bytes of the tuple before the next field.
  size_t offset() const noexcept { return offset_; }
  bool at_end() const noexcept { return offset_ == tuple_.size(); }

 private:
  Bytes tuple_;
  size_t count_ = 0, offset_ = 2;
};

/// Finds the tuples in the messages of one COPY. Error{read} when they do not follow the format.
class CopyTuples {
 public:
  explicit CopyTuples(size_t fields) : fields_(fields) {}
  /// The tuple in the message, as a part of it. Empty: the message is the header or the trailer.
  Bytes of(Bytes message);
  /// Call this after the last message. Error{read} when the trailer is missing.
  void end() const;

 private:
  Bytes behind_header(Bytes message);

  size_t fields_;
  bool begun_ = false, ended_ = false;
};

/// One COPY, row by row.
class BinaryCopy {
 public:
  /// Runs COPY (select) with that many columns.
  BinaryCopy(PgSession& session, const std::string& select, size_t fields);
  /// The next row's tuple, valid until the next call. False: there are no more rows.
  bool next(Bytes& tuple);
  /// Bytes received so far.
  uint64_t bytes() const noexcept { return bytes_; }

 private:
  PgSession& session_;
  CopyTuples tuples_;
  uint64_t bytes_ = 0;
  bool ended_ = false;
};

}  // namespace lugger
