#include "value/decimal_division.hpp"

#include <algorithm>

namespace lugger {

namespace {

constexpr int kSignificant = 16, kGroup = 4, kMaxScale = 1000;  // of PostgreSQL's numeric.c

std::string without_zeros(const std::string& digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

void add_one(std::string& digits) {
  size_t i = digits.size();
  while (i > 0 && digits[i - 1] == '9') digits[--i] = '0';
  if (i > 0)
    ++digits[i - 1];
  else
    digits.insert(digits.begin(), '1');
}

/// `cut` holds the digits behind the last that stays.
bool rounds_away(const DecimalDigits& value, std::string_view cut, Rounding mode) {
  if (cut.find_first_not_of('0') == std::string_view::npos) return false;
  const bool half = cut.front() == '5' && cut.find_first_not_of('0', 1) == std::string_view::npos;
  const bool above = cut.front() >= '5' && !half;
  switch (mode) {
    case Rounding::kHalfUp: return above || half;
    case Rounding::kHalfDown: return above;
    case Rounding::kHalfEven:
      return above || (half && !value.digits.empty() && (value.digits.back() - '0') % 2 == 1);
    case Rounding::kUp: return true;
    case Rounding::kDown: return false;
    case Rounding::kFloor: return value.negative;
    case Rounding::kCeiling: return !value.negative;
  }
  return false;
}

/// Takes b from a as often as it goes in, and says how often: at most nine times.
char take(std::string& a, const std::string& b) {
  char times = '0';
  while (a.size() > b.size() || (a.size() == b.size() && a >= b)) {
    int borrow = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      int digit =
          a[a.size() - 1 - i] - '0' - borrow - (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
      borrow = digit < 0 ? 1 : 0;
      a[a.size() - 1 - i] = static_cast<char>('0' + digit + borrow * 10);
    }
    a.erase(0, std::min(a.find_first_not_of('0'), a.size()));
    ++times;
  }
  return times;
}

/// The weight of the first group of four digits, and the group.
struct Leading {
  int weight = 0, group = 0;
};

Leading leading(const DecimalDigits& value) {
  const std::string digits = without_zeros(value.digits);
  if (digits.empty()) return {};
  const int exponent = static_cast<int>(digits.size()) - value.scale - 1;
  const int weight = exponent >= 0 ? exponent / kGroup : -((-exponent + kGroup - 1) / kGroup);
  const auto count = static_cast<size_t>(exponent - weight * kGroup + 1);
  int group = 0;
  for (size_t i = 0; i < count; ++i) group = group * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return {weight, group};
}

}  // namespace

void round_decimal(DecimalDigits& value, int scale, Rounding mode) {
  value.digits = without_zeros(value.digits);
  if (value.scale <= scale) {
    if (!value.digits.empty()) value.digits.append(static_cast<size_t>(scale - value.scale), '0');
  } else {
    const auto count = static_cast<size_t>(value.scale - scale);
    if (value.digits.size() < count) value.digits.insert(0, count - value.digits.size(), '0');
    const std::string cut = value.digits.substr(value.digits.size() - count);
    value.digits.erase(value.digits.size() - count);
    if (rounds_away(value, cut, mode)) add_one(value.digits);
  }
  value.scale = scale;
  if (value.digits.find_first_not_of('0') == std::string::npos) value.negative = false;
}

DecimalDigits divide(const DecimalDigits& a, const DecimalDigits& b, int scale, Rounding mode) {
  // One digit more than is asked for, and one that tells whether anything is left.
  std::string dividend = without_zeros(a.digits), divisor = without_zeros(b.digits);
  const int shift = scale + 1 - a.scale + b.scale;
  (shift >= 0 ? dividend : divisor).append(static_cast<size_t>(std::abs(shift)), '0');
  DecimalDigits out;
  std::string rest;
  for (const char digit : dividend) {
    if (!rest.empty() || digit != '0') rest.push_back(digit);
    out.digits.push_back(take(rest, divisor));
  }
  out.digits.push_back(rest.empty() ? '0' : '1');
  out.scale = scale + 2;
  out.negative = a.negative != b.negative;
  round_decimal(out, scale, mode);
  return out;
}

int quotient_scale(const DecimalDigits& a, const DecimalDigits& b) {
  const Leading first = leading(a), second = leading(b);
  const int weight = first.weight - second.weight - (first.group <= second.group ? 1 : 0);
  const int scale = std::max({kSignificant - weight * kGroup, a.scale, b.scale, 0});
  return std::min(scale, kMaxScale);
}

}  // namespace lugger
