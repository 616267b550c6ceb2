#include "census/vector_facts.hpp"

#include <xxhash.h>

#include "value/bson_reader.hpp"
#include "value/pgrow_reader.hpp"
#include "vector/elements.hpp"

namespace lugger {
namespace {

constexpr size_t kFirstSlots = 64;
constexpr size_t kLeastElements = 8;              // of a list that is no vector by its type
constexpr uint32_t kFloat4 = 700, kFloat8 = 701;  // pg_type.dat

bool is_number(ValueType type) noexcept {
  return type == ValueType::kDouble || type == ValueType::kInt32 || type == ValueType::kInt64;
}

/// The first eight elements tell.
bool is_list_of_numbers(Bytes array) noexcept {
  size_t count = 0;
  bool fractions = false;
  for (BsonReader reader(array); count < kLeastElements && reader.next(); ++count) {
    const Value& value = reader.value();
    if (!is_number(value.type)) return false;
    fractions =
        fractions || (value.type == ValueType::kDouble && std::trunc(value.f64) != value.f64);
  }
  return count == kLeastElements && fractions;
}

}  // namespace

bool may_be_vector(const Value& value) noexcept {
  switch (value.type) {
    case ValueType::kVector:
    case ValueType::kHalfVector:
    case ValueType::kSparseVector: return true;
    case ValueType::kBinary: return value.aux == kVectorBinary;
    case ValueType::kArray: return is_list_of_numbers(value.bytes());
    case ValueType::kPgArray: {
      const uint32_t oid = PgArrayReader(value.bytes()).element_oid();
      return oid == kFloat4 || oid == kFloat8;
    }
    default: return false;
  }
}

uint64_t HashSample::add(uint64_t hash) {
  if (hash == 0) hash = 1;
  if (!kept(hash)) return 0;
  if (slots_.empty()) slots_.resize(kFirstSlots);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i] != 0; i = (i + 1) & mask)
    if (slots_[i] == hash) return uint64_t{1} << level_;
  insert(hash);
  if (2 * count_ <= slots_.size()) return 0;
  const bool full = count_ >= kMost;
  if (full) ++level_;
  rebuild(full ? slots_.size() : 2 * slots_.size());
  return 0;
}

void HashSample::insert(uint64_t hash) noexcept {
  const size_t mask = slots_.size() - 1;
  size_t i = hash & mask;
  while (slots_[i] != 0) i = (i + 1) & mask;
  slots_[i] = hash;
  ++count_;
}

void HashSample::rebuild(size_t slots) {
  std::vector<uint64_t> before(slots);
  before.swap(slots_);
  count_ = 0;
  for (const uint64_t hash : before)
    if (hash != 0 && kept(hash)) insert(hash);
}

uint64_t HashSample::merge(const HashSample& other) {
  if (level_ < other.level_) {
    level_ = other.level_;
    rebuild(slots_.size());
  }
  uint64_t out = 0;
  for (const uint64_t hash : other.slots_)
    if (hash != 0) out += add(hash);
  return out;
}

uint64_t VectorFacts::hash_of(Floats vector) noexcept {
  return XXH3_64bits(vector.data(), vector.size_bytes());
}

void VectorFacts::merge(const VectorFacts& other) {
  sure = sure || other.sure;
  values += other.values;
  least = std::min(least, other.least);
  greatest = std::max(greatest, other.greatest);
  const auto join = [](Kind& to, const Kind& from) {
    to.count += from.count;
    for (const CensusExample& one : from.examples)
      if (to.examples.size() < kExamples) to.examples.push_back(one);
  };
  join(zeros, other.zeros);
  join(non_finite, other.non_finite);
  join(duplicates, other.duplicates);
  duplicates.count += hashes_.merge(other.hashes_);
}

void VectorFacts::move_examples(uint64_t by) noexcept {
  for (Kind* kind : {&zeros, &non_finite, &duplicates})
    for (CensusExample& one : kind->examples) one.document += by;
}

}  // namespace lugger
