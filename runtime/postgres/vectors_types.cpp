#include "postgres/vectors_types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/byte_order.hpp"
#include "base/error.hpp"
#include "plan/coerce.hpp"
#include "plan/vectors_type.hpp"
#include "postgres/binary_copy.hpp"
#include "value/single.hpp"

namespace lugger {
namespace {

struct Known {
  std::string_view name;
  VectorsWire wire;
  ValueType reads_as;
};
// PGVecto.rs 0.3 and 0.4, src/datatype/binary_*.rs.
constexpr std::array kKnown = {
    Known{"vector", VectorsWire::kDense, ValueType::kVector},
    Known{"vecf16", VectorsWire::kHalf, ValueType::kHalfVector},
    Known{"svector", VectorsWire::kSparse, ValueType::kSparseVector},
    Known{"bvector", VectorsWire::kBits, ValueType::kBits},
    Known{"veci8", VectorsWire::kInt8, ValueType::kVector},
};

VectorsType described(const Known& known, const std::string& schema, bool binary) {
  VectorsType out;
  // Since 0.2 it is always `vectors`, which of_vectors() knows the types by.
  out.name = fmt::format("{}.{}", schema == "vectors" ? schema : PgSession::quote_name(schema),
                         known.name);
  if (!binary) return out;
  out.reads = known.wire;
  out.reads_as = known.reads_as;
  // Only the server rounds to the levels of int8.
  if (known.wire != VectorsWire::kInt8) out.writes = known.wire;
  return out;
}

/// {int16 dimensions, int16 0} and room for the elements.
uint8_t* dense_head(size_t count, size_t element, Arena& arena) {
  uint8_t* const out = arena.allocate(4 + count * element);
  store_be(out, static_cast<uint16_t>(count));
  store_be(out + 2, uint16_t{0});
  return out;
}

template <typename Element>
std::optional<Bytes> from_dense(Bytes field, Arena& arena) {
  const size_t count = load_le<uint16_t>(field.data());
  if (count == 0 || field.size() != 2 + count * sizeof(Element)) return std::nullopt;
  uint8_t* const out = dense_head(count, sizeof(Element), arena);
  swap_elements<Element>(field.data() + 2, count, out + 4);
  return Bytes(out, 4 + count * sizeof(Element));
}

std::optional<Bytes> from_sparse(Bytes field, Arena& arena) {
  if (field.size() < 8) return std::nullopt;
  const auto dimensions = load_le<uint32_t>(field.data()),
             count = load_le<uint32_t>(field.data() + 4);
  if (field.size() != 8 + 8 * size_t{count}) return std::nullopt;
  uint8_t* const out = arena.allocate(12 + 8 * size_t{count});
  store_be(out, dimensions);
  store_be(out + 4, count);
  store_be(out + 8, uint32_t{0});
  swap_elements<uint32_t>(field.data() + 8, 2 * size_t{count}, out + 12);
  return Bytes(out, 12 + 8 * size_t{count});
}

uint8_t mirrored(uint8_t byte) noexcept {
  uint8_t out = 0;
  for (int i = 0; i < 8; ++i) out = static_cast<uint8_t>(out | (byte >> i & 1) << (7 - i));
  return out;
}

/// Of words of 64 bits with the first at the bottom: bytes with the first on top.
std::optional<Bytes> from_bits(Bytes field, Arena& arena) {
  const size_t count = load_le<uint16_t>(field.data()), bytes = (count + 7) / 8;
  if (count == 0 || field.size() != 2 + (count + 63) / 64 * 8) return std::nullopt;
  uint8_t* const out = arena.allocate(4 + bytes);
  store_be(out, static_cast<uint32_t>(count));
  for (size_t i = 0; i < bytes; ++i) out[4 + i] = mirrored(field[2 + i]);
  return Bytes(out, 4 + bytes);
}

/// Each element is its level by alpha, from the offset on.
std::optional<Bytes> from_int8(Bytes field, Arena& arena) {
  constexpr size_t kHead = 20;
  if (field.size() < kHead) return std::nullopt;
  const size_t count = load_le<uint32_t>(field.data());
  if (count == 0 || count > UINT16_MAX || field.size() != kHead + count) return std::nullopt;
  const auto alpha = load_le<float>(field.data() + 4), offset = load_le<float>(field.data() + 8);
  uint8_t* const out = dense_head(count, sizeof(float), arena);
  for (size_t i = 0; i < count; ++i) {
    const auto level = static_cast<float>(static_cast<int8_t>(field[kHead + i]));
    store_be(out + 4 + 4 * i, alpha * level + offset);
  }
  return Bytes(out, 4 + 4 * count);
}

template <size_t Element>
void append_dense(Bytes elements, ByteBuffer& out) {
  uint8_t* const at = out.room(6 + elements.size());
  store_be(at, static_cast<int32_t>(2 + elements.size()));
  store_le(at + 4, static_cast<uint16_t>(elements.size() / Element));
  std::memcpy(at + 6, elements.data(), elements.size());
  out.advance(6 + elements.size());
}

void append_sparse(Bytes record, ByteBuffer& out) {
  const size_t count = load_be<uint32_t>(record.data() + 4), size = 8 + 8 * count;
  uint8_t* const at = out.room(4 + size);
  store_be(at, static_cast<int32_t>(size));
  store_le(at + 4, load_be<uint32_t>(record.data()));
  store_le(at + 8, static_cast<uint32_t>(count));
  swap_elements<uint32_t>(record.data() + 12, 2 * count, at + 12);
  out.advance(4 + size);
}

void append_bits(Bytes record, ByteBuffer& out) {
  const size_t count = load_be<uint32_t>(record.data()), size = 2 + (count + 63) / 64 * 8;
  uint8_t* const at = out.room(4 + size);
  std::memset(at, 0, 4 + size);
  store_be(at, static_cast<int32_t>(size));
  store_le(at + 4, static_cast<uint16_t>(count));
  for (size_t i = 0; i < (count + 7) / 8; ++i) at[6 + i] = mirrored(record[4 + i]);
  out.advance(4 + size);
}

template <ValueType Type, void (*Append)(Bytes, ByteBuffer&)>
void field(const Value& value, ByteBuffer& out) {
  if (value.absent()) {
    out.append_be(int32_t{-1});
  } else if (value.type == Type) {
    Append(value.bytes(), out);
  } else {
    raise(Code::kBug, "a slot holds {} where its column's coercer promises {}",
          type_word(value.type), type_word(Type));
  }
}

void text_field(const Value& value, ByteBuffer& out) {
  if (value.absent()) return out.append_be(int32_t{-1});
  const size_t start = out.size();
  out.append_be(int32_t{0});
  append_scalar_text(value, out);
  store_be(out.data() + start, static_cast<int32_t>(out.size() - start - 4));
}

std::string text_of_bits(Bytes record) {
  std::string out = "[";
  const size_t count = load_be<uint32_t>(record.data());
  for (size_t i = 0; i < count; ++i) {
    const bool set = (record[4 + i / 8] >> (7 - i % 8) & 1) != 0;
    out += i == 0 ? "" : ",";
    out += set ? '1' : '0';
  }
  return out + "]";
}

std::string text_of_sparse(Bytes record) {
  std::string out = "{";
  const size_t count = load_be<uint32_t>(record.data() + 4);
  for (size_t i = 0; i < count; ++i) {
    std::array<char, kDoubleChars> number{};
    const auto element = load_be<float>(record.data() + 12 + 4 * (count + i));
    const size_t size = single_chars(element, number.data());
    fmt::format_to(std::back_inserter(out), "{}{}:{}", i == 0 ? "" : ",",
                   load_be<uint32_t>(record.data() + 12 + 4 * i),
                   std::string_view(number.data(), size));
  }
  return fmt::format("{}}}/{}", out, load_be<uint32_t>(record.data()));
}

}  // namespace

VectorsTypes::VectorsTypes(PgSession& session) {
  const PgRows rows = session.query_again(
      "SELECT t.oid, t.typname, n.nspname, e.extname, e.extversion, t.typsend <> 0 AND "
      "t.typreceive <> 0 FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_depend d ON "
      "d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid AND "
      "d.deptype = 'e' AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass JOIN "
      "pg_catalog.pg_type t ON t.oid = d.objid JOIN pg_catalog.pg_namespace n ON n.oid = "
      "t.typnamespace WHERE e.extname IN ('vector', 'vectors')",
      {});
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows.text(i, 3) == "vector") {
      pgvector_.insert(rows.text(i, 0));
      continue;
    }
    version_ = rows.text(i, 4);
    const auto* known = std::ranges::find(kKnown, rows.text(i, 1), &Known::name);
    if (known != kKnown.end())
      types_.emplace(rows.text(i, 0), described(*known, rows.text(i, 2), rows.text(i, 5) == "t"));
  }
}

const VectorsType* VectorsTypes::of(const std::string& oid) const noexcept {
  const auto found = types_.find(oid);
  return found == types_.end() ? nullptr : &found->second;
}

bool VectorsTypes::of_pgvector(const std::string& oid) const noexcept {
  return pgvector_.contains(oid);
}

bool may_be_vectors(Kind kind) noexcept {
  return kind == Kind::kVector || kind == Kind::kHalfvec || kind == Kind::kSparsevec ||
         kind == Kind::kBit;
}

std::optional<Bytes> from_vectors(VectorsWire wire, Bytes field, Arena& arena) {
  if (field.size() < 2) return std::nullopt;
  switch (wire) {
    case VectorsWire::kDense: return from_dense<float>(field, arena);
    case VectorsWire::kHalf: return from_dense<uint16_t>(field, arena);
    case VectorsWire::kSparse: return from_sparse(field, arena);
    case VectorsWire::kBits: return from_bits(field, arena);
    case VectorsWire::kInt8: return from_int8(field, arena);
    case VectorsWire::kNone:
    case VectorsWire::kText: break;
  }
  return field;
}

Bytes PgvectorTuples::of(Bytes tuple, Arena& arena) {
  scratch_.reset();
  fields_.clear();
  size_t size = 2;
  TupleFields fields(tuple);
  for (const VectorsWire wire : wires_) {
    std::optional<Bytes> field = fields.next();
    if (field && wire != VectorsWire::kNone) {
      field = from_vectors(wire, *field, scratch_);
      if (!field)
        raise(Code::kRead,
              "a field of PGVecto.rs does not have the form that its type has since "
              "version 0.3");
    }
    size += 4 + (field ? field->size() : 0);
    fields_.push_back(field);
  }
  uint8_t* const out = arena.allocate(size);
  store_be(out, static_cast<int16_t>(wires_.size()));
  uint8_t* at = out + 2;
  for (const std::optional<Bytes>& field : fields_) {
    store_be(at, field ? static_cast<int32_t>(field->size()) : int32_t{-1});
    at += 4;
    if (!field || field->empty()) continue;
    std::memcpy(at, field->data(), field->size());
    at += field->size();
  }
  return {out, size};
}

EncodeField vectors_encoder(VectorsWire wire) noexcept {
  switch (wire) {
    case VectorsWire::kDense: return field<ValueType::kVector, append_dense<4>>;
    case VectorsWire::kHalf: return field<ValueType::kHalfVector, append_dense<2>>;
    case VectorsWire::kSparse: return field<ValueType::kSparseVector, append_sparse>;
    case VectorsWire::kBits: return field<ValueType::kBits, append_bits>;
    case VectorsWire::kNone:
    case VectorsWire::kInt8:
    case VectorsWire::kText: break;
  }
  return text_field;
}

std::string input_text(const Value& value, const ColumnType& type) {
  if (of_vectors(type) && value.type == ValueType::kBits) return text_of_bits(value.bytes());
  if (of_vectors(type) && value.type == ValueType::kSparseVector)
    return text_of_sparse(value.bytes());
  return coerced_text(value, type);
}

}  // namespace lugger
