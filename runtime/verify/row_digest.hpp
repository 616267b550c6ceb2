// Digests of one row: of the key of its document, of its own key, of all its compared columns.
#pragma once
#include "verify/canonical.hpp"
#include "verify/hash.hpp"

namespace lugger {

struct RowDigests {
  Digest root;            // key of the document's own row; without a key, the row itself
  Digest key;             // the row's own key; without a key, the row itself
  Digest row;             // all compared columns
  bool null_key = false;  // a key column is NULL: no other row has the same key
};

/// Belongs to one worker.
class RowDigester {
 public:
  explicit RowDigester(uint64_t seed) : seed_(seed), canonical_(seed) {}

  /// value(i) returns the value of the table's i-th compared column, or its hash where it has one.
  template <typename Get>
  RowDigests digest(const ComparedTable& table, Get&& value) {
    RowDigests out;
    if (!table.key.empty()) {
      out.key = of(table, table.key, value);
      out.root = table.own ? out.key : of(table, table.root, value);
      for (const size_t i : table.key) out.null_key = out.null_key || value(i).absent();
    }
    buffer_.clear();
    for (size_t i = 0; i < table.columns.size(); ++i)
      canonical_.append(value(i), compared_as(table.columns[i]), buffer_);
    out.row = digest_bytes(buffer_.view(), seed_);
    if (table.key.empty()) out.root = out.key = out.row;
    return out;
  }
  /// For a row of which only the key is known and no key column has a hash. value(k) returns the
  /// k-th key column's value.
  template <typename Get>
  RowDigests key(const ComparedTable& table, Get&& value) {
    buffer_.clear();
    for (size_t k = 0; k < table.key.size(); ++k)
      canonical_.append(value(k), table.columns[table.key[k]].as, buffer_);
    RowDigests out;
    out.root = out.key = digest_bytes(buffer_.view(), seed_);
    return out;
  }
  Digest column(const ComparedColumn& column, const Value& value) {
    buffer_.clear();
    canonical_.append(value, column.as, buffer_);
    return digest_bytes(buffer_.view(), seed_);
  }

 private:
  static CompareAs compared_as(const ComparedColumn& column) noexcept {
    return column.hash < 0 ? column.as : CompareAs{Kind::kOther, Kind::kText};
  }
  template <typename Get>
  Digest of(const ComparedTable& table, const std::vector<size_t>& columns, Get&& value) {
    buffer_.clear();
    for (const size_t i : columns)
      canonical_.append(value(i), compared_as(table.columns[i]), buffer_);
    return digest_bytes(buffer_.view(), seed_);
  }
  uint64_t seed_;
  Canonical canonical_;
  ByteBuffer buffer_;
};

}  // namespace lugger
