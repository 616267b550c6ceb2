// The canonical form of a column's value, in which both sides are compared.
#pragma once
#include "base/arena.hpp"
#include "place/compared.hpp"
#include "verify/json_digest.hpp"

namespace lugger {

/// Writes values so that two are equal exactly when their bytes are: numeric by value, floats bit
/// by bit with a single NaN, jsonb by structure, char(n) without trailing blanks, arrays element by
/// element, everything else as stored. Accepts values from a coercer or from read_pg_field().
/// Belongs to one worker.
class Canonical {
 public:
  explicit Canonical(uint64_t seed) : json_(seed) {}
  void append(const Value& value, CompareAs as, ByteBuffer& out);

 private:
  void append_array(Bytes array, CompareAs as, ByteBuffer& out);
  JsonDigester json_;
  Arena scratch_{4096};
};

}  // namespace lugger
