// Exact decimals: converts between BSON decimal128, PostgreSQL numeric (binary), text, int64 and
// double, without loss or with a fault that says why. The common form is PostgreSQL's binary
// numeric: int16 ndigits, weight, sign, dscale, then base-10000 digits, big-endian.
#pragma once
#include <optional>
#include <string>

#include "base/arena.hpp"
#include "value/value.hpp"

namespace lugger {

enum class DecimalFault : uint8_t { kNone, kSyntax, kOverflow, kInexact };

/// A decimal in work: digits without leading zeros, value = (-1)^negative * digits * 10^-scale.
/// Reused; no allocation once warm.
struct DecimalDigits {
  enum class Kind : uint8_t { kFinite, kNaN, kInfinity } kind = Kind::kFinite;
  bool negative = false;
  std::string digits;  // '0'..'9'; empty or "0" is zero
  int32_t scale = 0;   // may be negative: 1E+3 is digits "1", scale -3
};

/// The same of a decimal128, which has at most 34 digits, without memory of its own.
struct Decimal128Digits {
  DecimalDigits::Kind kind = DecimalDigits::Kind::kFinite;
  bool negative = false;
  int32_t scale = 0;
  size_t size = 0;
  char digits[40];
};

/// How text may be written beyond "-12.50e3": decimal mark, thousands mark (0: none).
struct NumberFormat {
  char decimal = '.';
  char thousands = 0;
};

/// Strict: optional surrounding white space, a sign, digits, exponent; NaN, Infinity, inf in any
/// case. "12abc" is kSyntax.
DecimalFault parse_decimal(std::string_view text, const NumberFormat& format, DecimalDigits& out);
void decimal_from_bson(const uint8_t* decimal128, DecimalDigits& out);
Decimal128Digits decimal_from_bson(const uint8_t* decimal128) noexcept;
void decimal_from_int(int64_t value, DecimalDigits& out);
void decimal_from_double(double value,
                         DecimalDigits& out);  // shortest digits that read back as the same double
void decimal_from_float(float value, DecimalDigits& out);  // the same for a float
void decimal_from_double_exact(double value,
                               DecimalDigits& out);  // every digit: what MongoDB compares by
void decimal_from_numeric(Bytes numeric, DecimalDigits& out);

/// Rounds half away from zero to `scale` decimals, as PostgreSQL does; true when digits were lost.
bool round_decimal(DecimalDigits& value, int scale);
/// Drops the digits beyond `scale`; true when any of them was not zero.
bool truncate_decimal(DecimalDigits& value, int scale);
/// Fits numeric(precision, scale)? Precision 0: unconstrained.
bool fits_precision(const DecimalDigits& value, int precision, int scale);
/// kInexact: has a fraction. kOverflow: outside int64.
DecimalFault decimal_to_int(const DecimalDigits& value, int64_t& out);
double decimal_to_double(const DecimalDigits& value);
/// Rounded only once: through a double, some results would be off by one step.
float decimal_to_float(const DecimalDigits& value);
/// PostgreSQL's binary numeric, into the arena. dscale is at least min_scale.
Bytes decimal_to_numeric(const DecimalDigits& value, int min_scale, Arena& arena);
/// The same of an int64, without going through digits.
Bytes int_to_numeric(int64_t value, int min_scale, Arena& arena);
/// decimal128, if it fits in 34 digits and the exponent range.
bool decimal_to_bson(const DecimalDigits& value, uint8_t* out16);

/// Plain notation ("0.00001", "1000"), NaN, Infinity, -Infinity: what numeric's output function
/// gives.
std::string numeric_text(Bytes numeric);
/// As the MongoDB shell prints it ("1E+3", "0E-8").
std::string decimal128_text(const uint8_t* decimal128);
/// Shortest text that reads back as the same double; whole numbers without ".0". "NaN", "Infinity",
/// "-Infinity".
std::string double_text(double value);

/// The same texts appended, for hot code.
void append_plain(const DecimalDigits& value, ByteBuffer& out);       // as numeric_text
void append_scientific(const DecimalDigits& value, ByteBuffer& out);  // as decimal128_text
/// No trailing zeros, exponent form below 1e-6 and from 1e21 as JavaScript prints numbers; zero is
/// "0".
void append_shortest(const DecimalDigits& value, ByteBuffer& out);
inline constexpr size_t kDoubleChars = 40;
size_t double_chars(double value, char* out) noexcept;
size_t float_chars(float value, char* out) noexcept;
inline constexpr size_t kDecimal128Chars = 64;
size_t decimal128_chars(const uint8_t* decimal128, char* out) noexcept;

}  // namespace lugger
