#include "census/path_stats.hpp"

#include <cmath>

#include "base/text.hpp"

namespace lugger {

namespace {

// The first values of a path are all examined closely, of the others every sixteenth.
constexpr uint64_t kAllUpTo = 2048, kThenEvery = 16;

bool closely(uint64_t count) noexcept { return count <= kAllUpTo || count % kThenEvery == 0; }

/// Scalars that are counted as values: distinct, top.
constexpr bool is_countable(ValueType type) noexcept {
  switch (type) {
    case ValueType::kBool:
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kDouble:
    case ValueType::kDecimal:
    case ValueType::kString:
    case ValueType::kBinary:
    case ValueType::kObjectId:
    case ValueType::kDate:
    case ValueType::kSymbol:
    case ValueType::kTimestamp:
    case ValueType::kNumeric:
    case ValueType::kUuid:
    case ValueType::kDay:
    case ValueType::kTime:
    case ValueType::kMicros:
    case ValueType::kPgText: return true;
    default: return false;
  }
}

/// Types a reference may have.
constexpr bool is_key_like(ValueType type) noexcept {
  switch (type) {
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kDouble:
    case ValueType::kDecimal:
    case ValueType::kString:
    case ValueType::kBinary:
    case ValueType::kObjectId:
    case ValueType::kUuid: return true;
    default: return false;
  }
}

}  // namespace

void Lengths::merge(const Lengths& other) noexcept {
  least = std::min(least, other.least);
  greatest = std::max(greatest, other.greatest);
  total += other.total, count += other.count, empty += other.empty;
}

void DoubleFacts::merge(const DoubleFacts& other) noexcept {
  least = std::min(least, other.least);
  greatest = std::max(greatest, other.greatest);
  finite += other.finite, whole += other.whole, nan += other.nan, infinite += other.infinite;
  looked_at += other.looked_at;
  digits.merge(other.digits);
}

void DecimalFacts::merge(const DecimalFacts& other) {
  if (other.finite != 0 && other.least < least) least = other.least, least_text = other.least_text;
  if (other.finite != 0 && other.greatest > greatest)
    greatest = other.greatest, greatest_text = other.greatest_text;
  finite += other.finite, special += other.special;
  digits.merge(other.digits);
}

void DateFacts::merge(const DateFacts& other) noexcept {
  least = std::min(least, other.least);
  greatest = std::max(greatest, other.greatest);
  outside += other.outside;
}

void TextFacts::merge(const TextFacts& other) {
  if (with_nul == 0 && other.with_nul != 0) nul_example = other.nul_example;
  if (bad_utf8 == 0 && other.bad_utf8 != 0) utf8_example = other.utf8_example;
  lengths.merge(other.lengths);
  with_nul += other.with_nul, bad_utf8 += other.bad_utf8;
  looks.merge(other.looks);
}

uint8_t PathStats::add(const Value& value, CensusScratch& scratch) {
  facts.note(value);
  const uint64_t nuls = text.with_nul, broken = text.bad_utf8;
  add_kind(value, scratch);
  if (is_countable(value.type)) {
    const uint64_t hash = value_hash(value);
    if (!is_id_) top.add(hash, value);
    uint64_t& recent = recent_[hash % recent_.size()];
    if (recent != hash) {
      recent = hash;
      distinct.add(hash);
      if (is_key_like(value.type)) keys.add(hash);
    }
  }
  uint8_t wants = facts.count(value.type) <= kLookForExamples ? kTypeExample : 0;
  if (nuls == 0 && text.with_nul != 0) wants |= kNulExample;
  if (broken == 0 && text.bad_utf8 != 0) wants |= kUtf8Example;
  return wants;
}

void PathStats::add_kind(const Value& value, CensusScratch& scratch) {
  switch (value.type) {
    case ValueType::kInt32:
    case ValueType::kInt64:
      if (value.i64 > FieldFacts::kExactInDouble || value.i64 < -FieldFacts::kExactInDouble)
        ++beyond_double;
      break;
    case ValueType::kDouble: add_double(value.f64, scratch); break;
    case ValueType::kDecimal:
    case ValueType::kNumeric: add_decimal(value, scratch); break;
    case ValueType::kString:
    case ValueType::kSymbol:
    case ValueType::kPgText: add_text(value, scratch); break;
    case ValueType::kBinary: add_binary(value); break;
    case ValueType::kDate: add_date(value.i64); break;
    case ValueType::kMicros: {
      const std::optional<int64_t> ms = unix_ms_from_micros(value.i64);
      if (ms) add_date(*ms);
      break;
    }
    case ValueType::kDay:
      if (value.i64 >= kMinDay && value.i64 <= kMaxDay)
        add_date(value.i64 * (kMicrosPerDay / 1000) + kPgEpochUnixMicros / 1000);
      break;
    default: break;
  }
}

void PathStats::add_double(double value, CensusScratch& scratch) {
  if (std::isnan(value)) {
    ++doubles.nan;
    return;
  }
  if (std::isinf(value)) {
    ++doubles.infinite;
    return;
  }
  ++doubles.finite;
  doubles.least = std::min(doubles.least, value);
  doubles.greatest = std::max(doubles.greatest, value);
  // A negative zero is no integer: it would lose its sign.
  doubles.whole += std::trunc(value) == value && !(value == 0 && std::signbit(value)) ? 1 : 0;
  if (!closely(doubles.finite)) return;
  ++doubles.looked_at;
  decimal_from_double(value, scratch.digits);
  doubles.digits.add(static_cast<int>(scratch.digits.digits.size()), scratch.digits.scale);
}

void PathStats::add_decimal(const Value& value, CensusScratch& scratch) {
  if (value.type == ValueType::kDecimal) {
    decimal_from_bson(value.data, scratch.digits);
  } else {
    decimal_from_numeric(value.bytes(), scratch.digits);
  }
  if (scratch.digits.kind != DecimalDigits::Kind::kFinite) {
    ++decimals.special;
    return;
  }
  ++decimals.finite;
  decimals.digits.add(static_cast<int>(scratch.digits.digits.size()), scratch.digits.scale);
  const auto spelled = [&] {
    return value.type == ValueType::kDecimal ? decimal128_text(value.data)
                                             : numeric_text(value.bytes());
  };
  const double near = decimal_to_double(scratch.digits);
  if (near < decimals.least || decimals.finite == 1)
    decimals.least = near, decimals.least_text = spelled();
  if (near > decimals.greatest || decimals.finite == 1)
    decimals.greatest = near, decimals.greatest_text = spelled();
}

void PathStats::add_date(int64_t ms) noexcept {
  dates.least = std::min(dates.least, ms);
  dates.greatest = std::max(dates.greatest, ms);
  dates.outside += micros_from_unix_ms(ms) ? 0 : 1;
}

void PathStats::add_text(const Value& value, CensusScratch& scratch) {
  const std::string_view words = value.text();
  text.lengths.add(words.size());
  if (std::memchr(words.data(), 0, words.size()) != nullptr) ++text.with_nul;
  if (!is_utf8(words)) ++text.bad_utf8;
  if (closely(text.lengths.count) || text.looks.pure()) scratch.probe.look(words, text.looks);
}

void PathStats::add_binary(const Value& value) {
  binaries.add(value.size);
  for (auto& [subtype, count] : subtypes) {
    if (subtype != value.aux) continue;
    ++count;
    return;
  }
  subtypes.emplace_back(value.aux, 1);
}

void PathStats::add_example(ValueType type, CensusExample example) {
  if (type == ValueType::kUndefined) type = ValueType::kNull;
  uint64_t known = 0;
  for (const auto& [of, document] : examples) {
    if (of != type) continue;
    if (document.document == example.document) return;  // several elements of one document
    ++known;
  }
  if (known < kExamples) examples.emplace_back(type, std::move(example));
}

void PathStats::merge(const PathStats& other) {
  facts.merge(other.facts);
  beyond_double += other.beyond_double;
  doubles.merge(other.doubles);
  decimals.merge(other.decimals);
  dates.merge(other.dates);
  text.merge(other.text);
  binaries.merge(other.binaries);
  for (const auto& added : other.subtypes) {
    const auto known = std::find_if(subtypes.begin(), subtypes.end(),
                                    [&](const auto& entry) { return entry.first == added.first; });
    if (known == subtypes.end()) {
      subtypes.push_back(added);
    } else {
      known->second += added.second;
    }
  }
  arrays.merge(other.arrays);
  distinct.merge(other.distinct);
  top.merge(other.top);
  keys.merge(other.keys);
  for (const auto& [type, example] : other.examples) add_example(type, example);
}

}  // namespace lugger
