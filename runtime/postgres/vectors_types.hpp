// Types of the extension `vectors` (PGVecto.rs): how a database has them, and how their fields look on
// the wire, which is native memory and not what pgvector sends.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "postgres/encode.hpp"
#include "postgres/session.hpp"
#include "value/value.hpp"

namespace lugger {

/// How the fields of a type go over the wire. kText: it has no binary form (before 0.3), or its
/// elements are made by the server (veci8 as a target).
enum class VectorsWire : uint8_t { kNone, kDense, kHalf, kSparse, kBits, kInt8, kText };

struct VectorsType {
  std::string name;  // with its schema: "vectors.vecf16"
  VectorsWire reads = VectorsWire::kText, writes = VectorsWire::kText;
  ValueType reads_as = ValueType::kPgText;
};

/// The types that belong to the extension, asked for once. By what they belong to, never by a name
/// or the search_path: pgvector has a type of the same name.
class VectorsTypes {
 public:
  explicit VectorsTypes(PgSession& session);
  /// `oid` as decimal text. nullptr: a type of something else.
  const VectorsType* of(const std::string& oid) const noexcept;
  /// Is it a type of pgvector's?
  bool of_pgvector(const std::string& oid) const noexcept;
  bool has_pgvector() const noexcept { return !pgvector_.empty(); }
  /// "0.3.0"; "": the database does not have the extension.
  const std::string& version() const noexcept { return version_; }

 private:
  std::map<std::string, VectorsType> types_;
  std::set<std::string> pgvector_;
  std::string version_;
};

/// May a column of this kind be of the extension's?
bool may_be_vectors(Kind kind) noexcept;

/// A field as pgvector would send it (bits: as PostgreSQL would), in the arena. nullopt: it is not
/// what the type's binary form looks like.
std::optional<Bytes> from_vectors(VectorsWire wire, Bytes field, Arena& arena);
/// Makes tuples of COPY BINARY whose fields are those of pgvector, so that whoever reads a row knows
/// one layout.
class PgvectorTuples {
 public:
  /// One a field; none at all: nothing is to be done.
  explicit PgvectorTuples(std::vector<VectorsWire> wires) : wires_(std::move(wires)) {}
  bool needed() const noexcept { return !wires_.empty(); }
  /// In the arena, with as many fields as there are wires; the tuple may have more.
  Bytes of(Bytes tuple, Arena& arena);

 private:
  const std::vector<VectorsWire> wires_;
  std::vector<std::optional<Bytes>> fields_;
  Arena scratch_{4096};
};

/// Encodes the field of a value, as field_encoder() of pgvector's types does.
EncodeField vectors_encoder(VectorsWire wire) noexcept;
/// The text that the server reads for a value of that type: as coerced_text(), apart from sparse
/// vectors of the extension, whose indices begin at 0, and its bits, which are numbers.
std::string input_text(const Value& value, const ColumnType& type);

}  // namespace lugger
