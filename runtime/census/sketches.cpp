#include "census/sketches.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/text.hpp"
#include "value/compare.hpp"
#include "value/decimal.hpp"
#include "value/id_text.hpp"

namespace lugger {

namespace {

constexpr int kRegisterBits = 64 - DistinctSketch::kBits;
constexpr double kRegisters = double{size_t{1} << DistinctSketch::kBits};

double ertl_sigma(double x) noexcept {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1, z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double ertl_tau(double x) noexcept {
  if (x == 0 || x == 1) return 0;
  double y = 1, z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

/// Lower and upper case spell the same.
bool read_hex(const uint8_t* from, size_t bytes, uint8_t* to) noexcept {
  return from_hex({reinterpret_cast<const char*>(from), 2 * bytes}, to);
}

uint64_t hash_bytes(ValueType type, const void* data, size_t size) noexcept {
  return XXH3_64bits_withSeed(data, size, static_cast<uint64_t>(type));
}

uint64_t hash_word(ValueType type, uint64_t word) noexcept {
  word ^= uint64_t{static_cast<uint8_t>(type)} << 56;
  word ^= word >> 32;
  word *= 0xd6e8feb86659fd93;
  word ^= word >> 32;
  word *= 0xd6e8feb86659fd93;
  return word ^ (word >> 32);
}

}  // namespace

void DistinctSketch::add_exact(uint64_t hash) {
  const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
  if (at != hashes_.end() && *at == hash) return;
  if (hashes_.size() < kExact) {
    hashes_.insert(at, hash);
    return;
  }
  registers_ = std::make_unique<Registers>();
  for (const uint64_t known : hashes_) raise(known);
  raise(hash);
  hashes_ = {};
}

void DistinctSketch::merge(const DistinctSketch& other) {
  for (const uint64_t hash : other.hashes_) add(hash);
  if (!other.registers_) return;
  if (!registers_) {
    registers_ = std::make_unique<Registers>();
    for (const uint64_t known : hashes_) raise(known);
    hashes_ = {};
  }
  for (size_t i = 0; i < registers_->size(); ++i)
    (*registers_)[i] = std::max((*registers_)[i], (*other.registers_)[i]);
}

double DistinctSketch::estimate() const noexcept {
  if (!registers_) return static_cast<double>(hashes_.size());
  std::array<int, kRegisterBits + 2> counts{};
  for (const uint8_t rank : *registers_) ++counts[rank];
  double z = kRegisters * ertl_tau(1 - counts[kRegisterBits + 1] / kRegisters);
  for (int k = kRegisterBits; k >= 1; --k) z = 0.5 * (z + counts[static_cast<size_t>(k)]);
  z += kRegisters * ertl_sigma(counts[0] / kRegisters);
  return kRegisters * kRegisters / (2 * std::log(2.0) * z);
}

void TopValues::insert(uint64_t hash, const Value& value, uint64_t times) {
  Kept kept{value.type, value.aux, value.size, {}};
  switch (value.type) {
    case ValueType::kString:
    case ValueType::kSymbol:
    case ValueType::kCode:
    case ValueType::kBinary:
    case ValueType::kObjectId:
    case ValueType::kDecimal:
    case ValueType::kNumeric:
    case ValueType::kUuid:
    case ValueType::kPgText:
    case ValueType::kInterval:
      if (value.size != 0)
        std::memcpy(kept.bytes.data(), value.data, std::min<size_t>(value.size, kKeptBytes));
      break;
    default: std::memcpy(kept.bytes.data(), &value.i64, sizeof value.i64);
  }
  append(hash, kept, times);
}

void TopValues::append(uint64_t hash, const Kept& kept, uint64_t times) {
  if (counters_.size() == kCounters) purge();
  if (slots_.empty() || counters_.size() * 2 >= slots_.size()) {
    const size_t wanted = slots_.empty() ? kFirstSlots : slots_.size() * 2;
    if (wanted <= kMostSlots) rebuild(wanted);
  }
  counters_.push_back({hash, times});
  kept_.push_back(kept);
  place(hash, counters_.size());
}

void TopValues::place(uint64_t hash, size_t counter) noexcept {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = static_cast<uint16_t>(counter);
}

void TopValues::rebuild(size_t slots) {
  slots_.assign(slots, 0);
  for (size_t i = 0; i < counters_.size(); ++i) place(counters_[i].hash, i + 1);
}

void TopValues::purge() {
  std::array<uint64_t, kCounters> counts;
  for (size_t i = 0; i < counters_.size(); ++i) counts[i] = counters_[i].count;
  const auto middle = counts.begin() + kCounters / 2;
  std::nth_element(counts.begin(), middle, counts.end());
  const uint64_t median = *middle;
  error_ += median;
  size_t left = 0;
  for (size_t i = 0; i < counters_.size(); ++i) {
    if (counters_[i].count <= median) continue;
    counters_[left] = {counters_[i].hash, counters_[i].count - median};
    kept_[left++] = kept_[i];
  }
  counters_.resize(left);
  kept_.resize(left);
  rebuild(slots_.size());
}

void TopValues::merge(const TopValues& other) {
  for (size_t i = 0; i < other.counters_.size(); ++i) {
    const Counter& counter = other.counters_[i];
    const auto known = std::find_if(counters_.begin(), counters_.end(),
                                    [&](const Counter& c) { return c.hash == counter.hash; });
    if (known != counters_.end()) {
      known->count += counter.count;
    } else {
      append(counter.hash, other.kept_[i], counter.count);
    }
  }
  error_ += other.error_;
}

std::vector<TopValues::Entry> TopValues::top(size_t most) const {
  std::vector<Entry> out;
  for (size_t i = 0; i < counters_.size(); ++i) {
    out.push_back({counters_[i].hash, counters_[i].count, kept_[i].type, kept_[i].aux,
                   kept_[i].size, kept_[i].bytes});
  }
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) {
    return a.count != b.count ? a.count > b.count : a.hash < b.hash;
  });
  if (out.size() > most) out.resize(most);
  return out;
}

void SmallestHashes::insert(uint64_t hash) {
  const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
  if (at != hashes_.end() && *at == hash) return;
  if (hashes_.size() == k_) {
    const auto place = at - hashes_.begin();
    hashes_.pop_back();
    hashes_.insert(hashes_.begin() + place, hash);
    limit_ = hashes_.back();
    return;
  }
  hashes_.insert(at, hash);
  if (hashes_.size() == k_) limit_ = hashes_.back();
}

void SmallestHashes::merge(const SmallestHashes& other) {
  for (const uint64_t hash : other.hashes_) add(hash);
}

SmallestHashes::Overlap SmallestHashes::within(const SmallestHashes& all) const noexcept {
  Overlap out;
  for (const uint64_t hash : hashes_) {
    if (hash > all.limit_) break;
    ++out.looked_at;
    out.found += std::binary_search(all.hashes_.begin(), all.hashes_.end(), hash) ? 1 : 0;
  }
  return out;
}

namespace {

/// A whole double hashes as the integer it is equal to; every other by its bits.
uint64_t double_hash(double number) noexcept {
  constexpr double kInt64End = 9223372036854775808.0;
  if (number >= -kInt64End && number < kInt64End && number == std::trunc(number))
    return hash_word(ValueType::kInt64, static_cast<uint64_t>(static_cast<int64_t>(number)));
  if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
  return hash_word(ValueType::kDouble, std::bit_cast<uint64_t>(number));
}

/// Decimals of more digits than an integer has: seldom, and not without memory.
uint64_t long_decimal_hash(const Value& value) {
  DecimalDigits digits;
  decimal_from_bson(value.data, digits);
  int64_t number = 0;
  if (digits.kind == DecimalDigits::Kind::kFinite &&
      decimal_to_int(digits, number) == DecimalFault::kNone)
    return hash_word(ValueType::kInt64, static_cast<uint64_t>(number));
  const double near = decimal_to_double(digits);
  if (compare_values(value, Value::of_double(near)) == 0) return double_hash(near);
  ByteBuffer text;
  append_id_text(value, IdStyle::kSafe, text);
  return hash_bytes(ValueType::kDecimal, text.data(), text.size());
}

/// As the integer or the double that the decimal is equal to, when there is one.
uint64_t decimal_hash(const Value& value) {
  constexpr size_t kExactDigits = 18;
  Decimal128Digits digits = decimal_from_bson(value.data);
  if (digits.kind != DecimalDigits::Kind::kFinite) return long_decimal_hash(value);
  while (digits.size > 0 && digits.digits[digits.size - 1] == '0') --digits.size, --digits.scale;
  if (digits.size == 0) return double_hash(0);
  const int64_t length = static_cast<int64_t>(digits.size) - std::min(digits.scale, 0);
  if (length > static_cast<int64_t>(kExactDigits)) return long_decimal_hash(value);
  int64_t number = 0;
  for (size_t i = 0; i < digits.size; ++i) number = number * 10 + (digits.digits[i] - '0');
  for (; digits.scale < 0; ++digits.scale) number *= 10;
  if (digits.negative) number = -number;
  if (digits.scale == 0) return hash_word(ValueType::kInt64, static_cast<uint64_t>(number));
  // number / 10^scale is a double only when 5^scale divides the number.
  int32_t fives = digits.scale;
  while (fives > 0 && number % 5 == 0) number /= 5, --fives;
  if (fives > 0) {
    const auto scale = static_cast<uint64_t>(static_cast<int64_t>(digits.scale));
    return hash_word(ValueType::kDecimal, static_cast<uint64_t>(number) ^ (scale << 56));
  }
  return double_hash(std::ldexp(static_cast<double>(number), -digits.scale));
}

/// By the canonical text, in which 5 and 5.0 are one, also inside.
uint64_t composite_hash(const Value& value) {
  ByteBuffer text;
  if (append_id_text(value, IdStyle::kSafe, text))
    return hash_bytes(value.type, text.data(), text.size());
  return hash_bytes(value.type, value.data, value.size);
}

uint64_t binary_hash(const Value& value) noexcept {
  constexpr uint64_t kUuidSubtype = 4;
  const uint64_t subtype = value.type == ValueType::kUuid ? kUuidSubtype : value.aux;
  return XXH3_64bits_withSeed(value.data, value.size,
                              subtype << 8 | static_cast<uint64_t>(ValueType::kBinary));
}

}  // namespace

uint64_t value_hash(const Value& value) {
  switch (value.type) {
    case ValueType::kInt32:
    case ValueType::kInt64: return hash_word(ValueType::kInt64, static_cast<uint64_t>(value.i64));
    case ValueType::kDouble: return double_hash(value.f64);
    case ValueType::kDecimal: return decimal_hash(value);
    case ValueType::kString: {
      uint8_t oid[12];
      if (value.size == 24 && read_hex(value.data, 12, oid))
        return hash_bytes(ValueType::kObjectId, oid, sizeof oid);
      return hash_bytes(ValueType::kString, value.data, value.size);
    }
    case ValueType::kSymbol: return hash_bytes(ValueType::kString, value.data, value.size);
    case ValueType::kUuid:
    case ValueType::kBinary: return binary_hash(value);
    case ValueType::kDocument:
    case ValueType::kArray: return composite_hash(value);
    case ValueType::kObjectId:
    case ValueType::kNumeric:
    case ValueType::kCode:
    case ValueType::kRegex:
    case ValueType::kDbPointer:
    case ValueType::kCodeWithScope:
    case ValueType::kInterval:
    case ValueType::kJson:
    case ValueType::kPgText:
    case ValueType::kBits: return hash_bytes(value.type, value.data, value.size);
    default: return hash_word(value.type, static_cast<uint64_t>(value.i64));
  }
}

uint64_t name_hash(std::string_view name) noexcept { return XXH3_64bits(name.data(), name.size()); }

}  // namespace lugger
