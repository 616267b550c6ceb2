// vector, halfvec, sparsevec, bit, varbit: from arrays of numbers, MongoDB's packed vectors, text,
// and each other.
#include <algorithm>
#include <cmath>

#include "plan/coerce.hpp"
#include "plan/vector_elements.hpp"
#include "plan/vector_policy.hpp"
#include "plan/vectors_type.hpp"
#include "value/single.hpp"
#include "vector/kernels.hpp"

namespace lugger {

namespace {

constexpr size_t kMaxNonZero = 16000, kMaxSparse = 1000000000;

/// Ends a coercion: by policy a vector that holds NaN reads as null.
Failure settle(const Coercer& c, Failure failure, Value& out) noexcept {
  const bool null =
      failure == Failure::kNonFinite && c.policy().non_finite == CoercePolicy::NonFinite::kNull;
  return null ? null_out(out) : failure;
}

/// NaN and infinities stay: the type holds them, and the policy wants them.
bool keeps_non_finite(const Coercer& c) noexcept {
  return c.policy().non_finite == CoercePolicy::NonFinite::kKeep && of_vectors(c.type());
}

Failure check_dimensions(const Coercer& c, size_t dimensions) noexcept {
  const auto wanted = static_cast<size_t>(c.type().length);
  const auto most = static_cast<size_t>(most_dimensions(c.type()));
  const bool good = dimensions > 0 && dimensions <= most && (wanted == 0 || dimensions == wanted);
  return good ? Failure::kNone : Failure::kDimensions;
}

Failure to_float(const Coercer& c, double value, float& out) noexcept {
  out = single_from_double(value);
  if (!std::isfinite(value)) return keeps_non_finite(c) ? Failure::kNone : Failure::kNonFinite;
  return std::isinf(out) ? Failure::kOutOfRange : Failure::kNone;
}

/// One non-zero element: index above, float bits below, so that sorting sorts by index.
uint64_t entry(uint32_t index, float value) noexcept {
  return uint64_t{index} << 32 | std::bit_cast<uint32_t>(value);
}

/// pgvector's binary sparsevec of entries in the coercer's buffer.
Failure finish_sparse(Coercer& c, uint64_t dimensions, Value& out, Arena& arena) {
  if (const Failure failure = check_dimensions(c, dimensions); failure != Failure::kNone)
    return failure;
  const size_t count = c.buffer().size() / 8;
  if (count > kMaxNonZero && !of_vectors(c.type())) return Failure::kTooLong;
  auto* entries = reinterpret_cast<uint64_t*>(arena.allocate(count * 8));
  if (count > 0) std::memcpy(entries, c.buffer().data(), count * 8);
  std::sort(entries, entries + count);
  uint8_t* bytes = arena.allocate(12 + 8 * count);
  store_be(bytes, static_cast<uint32_t>(dimensions));
  store_be(bytes + 4, static_cast<uint32_t>(count));
  store_be(bytes + 8, uint32_t{0});
  for (size_t i = 0; i < count; ++i) {
    const auto index = static_cast<uint32_t>(entries[i] >> 32);
    if (index >= dimensions) return Failure::kDimensions;
    if (i > 0 && index == static_cast<uint32_t>(entries[i - 1] >> 32)) return Failure::kBadElement;
    store_be(bytes + 12 + 4 * i, index);
    store_be(bytes + 12 + 4 * (count + i), static_cast<uint32_t>(entries[i]));
  }
  out = Value::of(ValueType::kSparseVector, Bytes(bytes, 12 + 8 * count));
  return Failure::kNone;
}

/// Notes an element; zeros are what a sparse vector leaves out.
Failure add_sparse(Coercer& c, double index, double value) {
  if (!(index >= 0) || index != std::trunc(index)) return Failure::kBadElement;
  if (index >= static_cast<double>(kMaxSparse)) return Failure::kDimensions;
  float single = 0;
  if (const Failure failure = to_float(c, value, single); failure != Failure::kNone) return failure;
  if (single != 0) c.buffer().append_le(entry(static_cast<uint32_t>(index), single));
  return Failure::kNone;
}

/// {indices: [0-based ..], values: [..], dim: n}, the form of Pinecone and others.
Failure sparse_from_document(Coercer& c, const Value& in, uint64_t& dimensions) {
  const Value indices = bson_field(in.bytes(), "indices"),
              values = bson_field(in.bytes(), "values");
  if (indices.type != ValueType::kArray || values.type != ValueType::kArray)
    return Failure::kWrongType;
  Value dim = bson_field(in.bytes(), "dim");
  if (dim.type == ValueType::kMissing) dim = bson_field(in.bytes(), "dimensions");
  double count = static_cast<double>(c.type().length);
  if (!dim.absent() && !read_number(dim, c.digits(), count)) return Failure::kBadElement;
  if (!(count >= 1 && count <= static_cast<double>(kMaxSparse)) || count != std::trunc(count))
    return Failure::kDimensions;
  dimensions = static_cast<uint64_t>(count);
  BsonReader index_reader(indices.bytes()), value_reader(values.bytes());
  while (true) {
    const bool more = index_reader.next();
    if (more != value_reader.next()) return Failure::kDimensions;
    if (!more) break;
    double index = 0, value = 0;
    if (!read_number(index_reader.value(), c.digits(), index) ||
        !read_element(value_reader.value(), c.digits(), value))
      return Failure::kBadElement;
    if (const Failure failure = add_sparse(c, index, value); failure != Failure::kNone)
      return failure;
  }
  const bool whole =
      index_reader.fault() == BsonFault::kNone && value_reader.fault() == BsonFault::kNone;
  return whole ? Failure::kNone : Failure::kMalformed;
}

/// "{1:1,5:3}/5": indices from 1.
Failure sparse_from_text(Coercer& c, std::string_view text, uint64_t& dimensions) {
  const auto whole = [&](int64_t& out) {
    skip_spaces(text);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return error == std::errc();
  };
  const auto number = [&](double& out) {
    skip_spaces(text);
    return take_float(text, out);
  };
  const auto mark = [&](char wanted) {
    skip_spaces(text);
    if (text.empty() || text[0] != wanted) return false;
    text.remove_prefix(1);
    return true;
  };
  if (!mark('{')) return Failure::kSyntax;
  if (!mark('}')) {
    do {
      int64_t index = 0;
      double value = 0;
      if (!whole(index) || !mark(':') || !number(value)) return Failure::kSyntax;
      const Failure failure = add_sparse(c, static_cast<double>(index) - 1, value);
      if (failure != Failure::kNone) return failure;
    } while (mark(','));
    if (!mark('}')) return Failure::kSyntax;
  }
  int64_t count = 0;
  if (!mark('/') || !whole(count) || count < 1 || count > static_cast<int64_t>(kMaxSparse))
    return Failure::kSyntax;
  skip_spaces(text);
  dimensions = static_cast<uint64_t>(count);
  return text.empty() ? Failure::kNone : Failure::kSyntax;
}

/// A record as it is: what one store holds another may refuse.
Failure stored_sparse(const Coercer& c, const Value& in, Value& out) noexcept {
  const size_t count = load_be<uint32_t>(in.data + 4);
  if (in.size != 12 + 8 * count) return Failure::kMalformed;
  if (count > kMaxNonZero && !of_vectors(c.type())) return Failure::kTooLong;
  for (size_t i = 0; i < count && !keeps_non_finite(c); ++i) {
    if (!std::isfinite(load_be<float>(in.data + 12 + 4 * (count + i)))) return Failure::kNonFinite;
  }
  out = in;
  return check_dimensions(c, load_be<uint32_t>(in.data));
}

Failure sparse(Coercer& c, const Value& in, Value& out, Arena& arena) {
  uint64_t dimensions = 0;
  if (in.type == ValueType::kSparseVector) return stored_sparse(c, in, out);
  c.buffer().clear();
  Failure failure = Failure::kNone;
  std::string_view text;
  if (in.type == ValueType::kDocument) {
    failure = sparse_from_document(c, in, dimensions);
  } else if (is_text(in.type) && !c.policy().strict &&
             (read_text(c.policy(), in, text) || text.starts_with('{'))) {
    if (!text.starts_with('{')) return null_out(out);
    failure = sparse_from_text(c, text, dimensions);
  } else {
    failure = each_number(c, in, arena, [&](double value) {
      return add_sparse(c, static_cast<double>(dimensions++), value);
    });
  }
  return failure == Failure::kNone ? finish_sparse(c, dimensions, out, arena) : failure;
}

/// Bits into the coercer's buffer, first bit on top.
class BitBuilder {
 public:
  explicit BitBuilder(Coercer& c) : out_(c.buffer()) {
    out_.clear();
    out_.append_be(uint32_t{0});
  }
  void add(bool bit) {
    if (count_ % 8 == 0) out_.push(0);
    if (bit) out_.data()[out_.size() - 1] |= static_cast<uint8_t>(0x80 >> count_ % 8);
    ++count_;
  }
  Value finish(Arena& arena) {
    store_be(out_.data(), count_);
    return Value::of(ValueType::kBits, Bytes(arena.copy(out_.view()), out_.size()));
  }

 private:
  ByteBuffer& out_;
  uint32_t count_ = 0;
};

Failure bits_from(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.type == ValueType::kBits) {
    out = in;
    return Failure::kNone;
  }
  BitBuilder builder(c);
  if (is_text(in.type) && !c.policy().strict) {
    std::string_view text;
    if (read_text(c.policy(), in, text)) return null_out(out);
    if (text.find_first_not_of("01") != std::string_view::npos) return Failure::kSyntax;
    for (const char bit : text) builder.add(bit == '1');
  } else if (in.type == ValueType::kArray) {
    BsonReader reader(in.bytes());
    while (reader.next()) {
      const Value& element = reader.value();
      double bit = element.type == ValueType::kBool ? static_cast<double>(element.i64) : 2;
      if (element.type != ValueType::kBool && !read_number(element, c.digits(), bit))
        return Failure::kBadElement;
      if (bit != 0 && bit != 1) return Failure::kBadElement;
      builder.add(bit == 1);
    }
    if (reader.fault() != BsonFault::kNone) return Failure::kMalformed;
  } else if (in.type == ValueType::kBinary && in.aux == kVectorBinary && in.size >= 2 &&
             in.data[0] == kPackedBits) {
    const Failure failure = each_number(c, in, arena, [&](double bit) {
      builder.add(bit == 1);
      return Failure::kNone;
    });
    if (failure != Failure::kNone) return failure;
  } else {
    return Failure::kWrongType;
  }
  out = builder.finish(arena);
  return Failure::kNone;
}

/// Gives the elements of {"[1,2]",NULL,"[3,4]"}. False: there is something else in it.
template <typename Add>
bool each_vector_text(std::string_view text, Add&& add) {
  constexpr std::string_view kNull = "NULL";
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    if (text[0] == '[' && text.find(']') != std::string_view::npos) {
      const size_t size = text.find(']') + 1;
      if (!add(Value::of(ValueType::kString, text.substr(0, size)))) return true;
      text.remove_prefix(size);
    } else if (text.starts_with(kNull)) {
      if (!add(Value::null())) return true;
      text.remove_prefix(kNull.size());
    } else if (text[0] == '"' || text[0] == ',') {
      text.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

bool coerce_vectors(Coercer& c, const Value& in, Value& out, Arena& arena, Failure& failure) {
  ByteBuffer built;
  built.push('{');
  const auto add = [&](const Value& element) {
    Value one = Value::null();
    if (!element.absent()) failure = (*c.element())(element, one, arena);
    if (failure != Failure::kNone && failure != Failure::kDimensions)
      failure = Failure::kBadElement;
    if (built.size() > 1) built.push(',');
    if (one.absent()) {
      built.append("NULL");
    } else {
      built.push('"');
      append_scalar_text(one, built);
      built.push('"');
    }
    return failure == Failure::kNone;
  };
  if (in.type == ValueType::kArray) {
    BsonReader reader(in.bytes());
    while (reader.next() && add(reader.value())) {
    }
    if (reader.fault() != BsonFault::kNone) failure = Failure::kMalformed;
  } else if (!is_text(in.type) || !each_vector_text(in.text(), add)) {
    return false;
  }
  built.push('}');
  out = Value::of(ValueType::kPgText, arena.copy(built.text()));
  return true;
}

Failure to_floats(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.type == ValueType::kVector) {
    out = in;
    return Failure::kNone;
  }
  if (all_floats(in, out, arena)) return Failure::kNone;
  ByteBuffer& buffer = c.buffer();
  buffer.clear();
  const Failure failure = each_number(c, in, arena, [&](double value) {
    float single = 0;
    const Failure bad = to_float(c, value, single);
    if (bad == Failure::kNone) buffer.append_le(single);
    return bad;
  });
  if (failure == Failure::kNone)
    out = Value::of(ValueType::kVector, Bytes(arena.copy(buffer.view()), buffer.size()));
  return failure;
}

Failure coerce_vector(Coercer& c, const Value& in, Value& out, Arena& arena) {
  std::string_view text;
  if (in.absent() || (is_text(in.type) && read_text(c.policy(), in, text))) return null_out(out);
  if (const Failure failure = to_floats(c, in, out, arena); failure != Failure::kNone)
    return settle(c, failure, out);
  if (in.type == ValueType::kVector && !all_finite_floats(out.bytes()) && !keeps_non_finite(c))
    return settle(c, Failure::kNonFinite, out);
  const Failure failure = check_dimensions(c, out.size / 4);
  return failure == Failure::kNone ? check_policies(c, out) : failure;
}

static Failure finish_half(const Coercer& c, Value& out) noexcept {
  if (!all_finite_halves(out.bytes()) && !keeps_non_finite(c))
    return settle(c, Failure::kNonFinite, out);
  const Failure failure = check_dimensions(c, out.size / 2);
  return failure == Failure::kNone ? check_policies(c, out) : failure;
}

Failure coerce_halfvec(Coercer& c, const Value& in, Value& out, Arena& arena) {
  std::string_view text;
  if (in.absent() || (is_text(in.type) && read_text(c.policy(), in, text))) return null_out(out);
  if (in.type == ValueType::kHalfVector) {
    out = in;
    return finish_half(c, out);
  }
  if (const Bytes stored = stored_floats(in); !stored.empty() && all_finite_floats(stored)) {
    uint8_t* const halves = arena.allocate(stored.size() / 2);
    halves_from_floats(stored, halves);
    out = Value::of(ValueType::kHalfVector, Bytes(halves, stored.size() / 2));
    return all_finite_halves(out.bytes()) ? finish_half(c, out) : Failure::kOutOfRange;
  }
  ByteBuffer& buffer = c.buffer();
  buffer.clear();
  const Failure failure = each_number(c, in, arena, [&](double value) {
    const uint16_t half = half_from_double(value);
    if (!std::isfinite(value) && !keeps_non_finite(c)) return Failure::kNonFinite;
    if ((half & 0x7C00) == 0x7C00 && std::isfinite(value)) return Failure::kOutOfRange;
    buffer.append_le(half);
    return Failure::kNone;
  });
  if (failure != Failure::kNone) return settle(c, failure, out);
  out = Value::of(ValueType::kHalfVector, Bytes(arena.copy(buffer.view()), buffer.size()));
  return finish_half(c, out);
}

Failure coerce_sparsevec(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.absent()) return null_out(out);
  const Failure failure = settle(c, sparse(c, in, out, arena), out);
  const bool made = failure == Failure::kNone && out.type == ValueType::kSparseVector;
  return made ? check_policies(c, out) : failure;
}

Failure coerce_bits(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.absent()) return null_out(out);
  if (const Failure failure = bits_from(c, in, out, arena);
      failure != Failure::kNone || out.type == ValueType::kNull)
    return failure;
  const auto count = load_be<uint32_t>(out.data);
  if (of_vectors(c.type())) return check_dimensions(c, count);
  const auto length = static_cast<uint32_t>(c.type().length);
  if (length == 0) return Failure::kNone;
  if (c.type().kind == Kind::kVarbit) return count > length ? Failure::kTooLong : Failure::kNone;
  return count == length ? Failure::kNone : Failure::kDimensions;
}

}  // namespace lugger
