// Random values of every BSON type, for tests that turn something around.
#pragma once
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/decimal.hpp"

namespace lugger::test {

/// One sequence of values a seed. Texts are UTF-8 without NUL; `$names` begin a field's name now
/// and then where they are allowed.
class RandomBson {
 public:
  explicit RandomBson(uint32_t seed, bool tags = false) : random_(seed), tags_(tags) {}

  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool chance(int percent) { return below(100) < static_cast<size_t>(percent); }
  template <typename T>
  const T& one_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  std::string text() {
    static const std::vector<std::string> kTexts = {"",
                                                    "x",
                                                    "1",
                                                    "true",
                                                    "é\"\\\n\x01",
                                                    "$s:x",
                                                    "$null",
                                                    "64f1c0a1b2c3d4e5f6071829",
                                                    "null",
                                                    " pad ",
                                                    "12.50",
                                                    "2026-03-11",
                                                    "64F1C0A1B2C3D4E5F6071829",
                                                    "{}",
                                                    "[1]",
                                                    "$o:{}"};
    return chance(70) ? one_of(kTexts) : std::to_string(random_());
  }

  /// A value of any type, or of the one asked for; its bytes live until the next call.
  Value value(ValueType type, int depth = 0) {
    switch (type) {
      case ValueType::kBool: return Value::of(type, static_cast<int64_t>(below(2)));
      case ValueType::kInt32: return Value::of(type, int64_t{static_cast<int32_t>(random_())});
      case ValueType::kInt64:
        return Value::of(type, chance(50)
                                   ? int64_t{static_cast<int32_t>(random_())}
                                   : static_cast<int64_t>(uint64_t{random_()} << 32 | random_()));
      case ValueType::kDouble: return Value::of_double(real());
      case ValueType::kDecimal: return decimal();
      case ValueType::kString:
      case ValueType::kCode:
      case ValueType::kSymbol: return keep(type, text());
      case ValueType::kBinary: {
        static const std::vector<uint16_t> kSubtypes = {0, 2, 3, 4, 4, 5, 0x80};
        const uint16_t subtype = one_of(kSubtypes);
        return keep(type, bytes(subtype == 4 || chance(30) ? 16 : below(40)), subtype);
      }
      case ValueType::kObjectId: return keep(type, bytes(12));
      case ValueType::kDate:
        return Value::of(type, static_cast<int64_t>(random_()) * 1000 - 2000000000000 +
                                   static_cast<int64_t>(below(1000)));
      case ValueType::kRegex: return keep(type, std::string("^a.\0i\0", 6));
      case ValueType::kDbPointer: return keep(type, std::string("\x03\0\0\0a.\0", 7) + bytes(12));
      case ValueType::kTimestamp:
        return Value::of(type, static_cast<int64_t>(uint64_t{random_()} << 32 | random_()));
      case ValueType::kDocument:
      case ValueType::kArray: return keep(type, nested(type, depth));
      case ValueType::kCodeWithScope: {
        const std::string scope = nested(ValueType::kDocument, depth);
        std::string out(8, '\0');
        store_le(out.data(), static_cast<int32_t>(11 + scope.size()));
        store_le(out.data() + 4, int32_t{3});
        return keep(type, out + std::string("f;\0", 3) + scope);
      }
      default: return Value::of(type, 0);
    }
  }
  Value value(int depth = 0) {
    const auto last = static_cast<size_t>(depth > 2 ? ValueType::kMaxKey : ValueType::kArray);
    auto type = ValueType::kNull;
    // Undefined is as old as it is rare, and no _id: where it matters a test makes it.
    do type = static_cast<ValueType>(1 + below(last));
    while (type == ValueType::kUndefined || (depth > 2 && type == ValueType::kCodeWithScope));
    return value(type, depth);
  }

 private:
  std::string bytes(size_t n) {
    std::string out(n, '\0');
    for (char& byte : out) byte = static_cast<char>(random_());
    return out;
  }
  Value keep(ValueType type, std::string bytes, uint16_t aux = 0) {
    kept_ = std::move(bytes);
    return Value::of(type, as_bytes(kept_), aux);
  }
  double real() {
    static const std::vector<double> kReals = {
        0.0, -0.0, 1.0, 0.1, -2.5, 1e22, 1e-7, 1e300, 3e-310, 9007199254740993.0, 1e15};
    if (chance(60)) return one_of(kReals);
    return std::ldexp(static_cast<double>(random_()), static_cast<int>(below(200)) - 100);
  }
  Value decimal() {
    static const std::vector<std::string> kDecimals = {
        "0",      "0.1", "12.50", "1E+3", "-0", "1E-30", "1234567890123456789012345678901234",
        "1E+6111"};
    DecimalDigits digits;
    parse_decimal(one_of(kDecimals), {}, digits);
    std::string out(16, '\0');
    decimal_to_bson(digits, reinterpret_cast<uint8_t*>(out.data()));
    return keep(ValueType::kDecimal, out);
  }
  std::string nested(ValueType type, int depth) {
    static const std::vector<std::string> kNames = {"a", "b", "long name", "é", "", "c.d"};
    static const std::vector<std::string> kTags = {
        "$oid", "$date", "$document", "$string", "$numberLong", "$code", "$scope", "$timestamp"};
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    const bool array = type == ValueType::kArray;
    const size_t fields = below(4);
    for (size_t i = 0; i < fields; ++i) {
      const std::string name =
          array ? std::to_string(i) : (tags_ && chance(30) ? one_of(kTags) : one_of(kNames));
      bool doubled = false;
      for (BsonReader reader(closed(out)); !array && reader.next();)
        doubled = doubled || reader.name() == name;
      if (!doubled) writer.append(name, value(depth + 1));
    }
    writer.end();
    return std::string(out.text());
  }
  /// What is written of a document so far, as one that has ended.
  Bytes closed(const ByteBuffer& open) {
    closed_.assign(open.text());
    closed_.push_back('\0');
    store_le(closed_.data(), static_cast<int32_t>(closed_.size()));
    return as_bytes(closed_);
  }

  std::mt19937 random_;
  bool tags_;
  std::string kept_, closed_;
};

}  // namespace lugger::test
