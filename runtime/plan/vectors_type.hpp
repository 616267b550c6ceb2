// Types of the extension `vectors` (PGVecto.rs): the records are those of pgvector's types, the limits
// are wider, and NaN and infinities are held. The extension lives in the schema `vectors` alone.
#pragma once
#include "plan/column_type.hpp"

namespace lugger {

inline bool of_vectors(const ColumnType& type) noexcept { return type.sql.starts_with("vectors."); }

/// int8 with a scale: what comes in is rounded to 256 levels.
inline bool is_quantised(const ColumnType& type) noexcept {
  return type.sql.starts_with("vectors.veci8");
}

/// The most dimensions that a vector, half vector, sparse vector or PGVecto.rs' bits may have.
inline int most_dimensions(const ColumnType& type) noexcept {
  constexpr int kDense = 16000, kSparse = 1000000000, kWide = 65535, kWideSparse = 1048575;
  if (type.kind == Kind::kSparsevec) return of_vectors(type) ? kWideSparse : kSparse;
  return of_vectors(type) ? kWide : kDense;
}

}  // namespace lugger
