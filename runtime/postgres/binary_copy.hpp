// What COPY ... TO STDOUT (FORMAT binary) sends: a header, a tuple a message, a trailer. The only
// reader of that form; how a field reads as a value is value/pgrow_reader's.
#pragma once
#include <optional>
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// The fields of one tuple, in their order. Error{read} where it is cut short.
class TupleFields {
 public:
  explicit TupleFields(Bytes tuple);
  size_t count() const noexcept { return count_; }
  /// The next field; nothing: NULL.
  std::optional<Bytes> next();
  /// Bytes of the tuple before the next field.
  size_t offset() const noexcept { return offset_; }
  bool at_end() const noexcept { return offset_ == tuple_.size(); }

 private:
  Bytes tuple_;
  size_t count_ = 0, offset_ = 2;
};

/// Finds the tuples in the messages of one COPY. Error{read} where they are not what the server
/// sends.
class CopyTuples {
 public:
  explicit CopyTuples(size_t fields) : fields_(fields) {}
  /// The tuple that the message holds, as part of it; empty: none, it is the header or the trailer.
  Bytes of(Bytes message);
  /// To be asked behind the last message: were these all?
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
  /// The next row's tuple, alive until the next call. False: there are no more.
  bool next(Bytes& tuple);
  /// Bytes that the server sent so far.
  uint64_t bytes() const noexcept { return bytes_; }

 private:
  PgSession& session_;
  CopyTuples tuples_;
  uint64_t bytes_ = 0;
  bool ended_ = false;
};

}  // namespace lugger
