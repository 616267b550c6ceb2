#include "vector/kernels.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "vector/half.hpp"

using namespace lugger;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Numbers that repeat themselves nowhere, of both signs and many sizes.
std::vector<float> numbers(size_t count, uint32_t seed) {
  std::vector<float> out(count);
  for (float& number : out) {
    seed = seed * 1664525 + 1013904223;
    number = static_cast<float>(static_cast<int32_t>(seed)) / 1e9F;
  }
  return out;
}

}  // namespace

TEST_CASE("sums agree with plain long double arithmetic at every length") {
  for (size_t count = 0; count <= 67; ++count) {
    const std::vector<float> a = numbers(count, 1), b = numbers(count, 2);
    long double product = 0, distance = 0, square = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto x = static_cast<long double>(a[i]), y = static_cast<long double>(b[i]);
      product += x * y;
      distance += (x - y) * (x - y);
      square += x * x;
    }
    INFO(count << " numbers");
    CHECK(dot(a, b) == Approx(static_cast<double>(product)).epsilon(1e-13).margin(1e-13));
    CHECK(l2_squared(a, b) == Approx(static_cast<double>(distance)).epsilon(1e-13));
    CHECK(norm(a) == Approx(static_cast<double>(std::sqrt(square))).epsilon(1e-13));
  }
}

TEST_CASE("small vectors, exactly") {
  const std::vector<float> a = {3, 4}, b = {4, -3}, c = {-6, -8};
  CHECK(dot(a, b) == 0);
  CHECK(l2_squared(a, b) == 50);
  CHECK(norm(a) == 5);
  CHECK(cosine(a, b) == 0);
  CHECK(cosine(a, a) == 1);
  CHECK(cosine(a, c) == -1);
  CHECK(dot({}, {}) == 0);
}

TEST_CASE("sums neither overflow nor vanish where floats would") {
  const std::vector<float> large(100, 1e38F), small(100, 1e-38F);
  CHECK(norm(large) == Approx(1e39).epsilon(1e-6));
  CHECK(norm(small) == Approx(1e-37).epsilon(1e-6));
  CHECK(cosine(large, small) == Approx(1.0));
  std::vector<float> unit = large;
  normalise(unit);
  CHECK(unit[0] == 0.1F);
  unit = small;
  normalise(unit);
  CHECK(unit[99] == Approx(0.1));
}

TEST_CASE("normalise: length 1; zeros stay zeros") {
  std::vector<float> v = numbers(384, 7);
  normalise(v);
  CHECK(norm(v) == Approx(1.0).epsilon(1e-7));
  std::vector<float> zeros(5, 0.0F);
  normalise(zeros);
  CHECK(zeros == std::vector<float>(5, 0.0F));
  std::vector<float> none;
  normalise(none);
  CHECK(none.empty());
}

TEST_CASE("zeros have no direction, NaN spreads") {
  const std::vector<float> zeros(3, 0.0F), ones(3, 1.0F), broken = {1, kNaN, 1};
  CHECK(std::isnan(cosine(zeros, ones)));
  CHECK(std::isnan(cosine(ones, zeros)));
  CHECK(std::isnan(dot(broken, ones)));
  CHECK(std::isnan(l2_squared(broken, ones)));
  CHECK(std::isnan(norm(broken)));
  CHECK(std::isnan(cosine(broken, ones)));
  std::vector<float> v = {1, kInfinity};
  normalise(v);
  CHECK(v[0] == 0);
  CHECK(std::isnan(v[1]));
}

TEST_CASE("floats and halves: every half, and every place where rounding turns") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const double value = double_from_half(half);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(float_from_half(half)));
      REQUIRE((half_from_float(float_from_half(half)) & 0x7FFF) > 0x7C00);
      continue;
    }
    const float exact = float_from_half(half);
    REQUIRE(static_cast<double>(exact) == value);
    REQUIRE(std::signbit(exact) == std::signbit(value));
    REQUIRE(half_from_float(exact) == half);
    if ((bits & 0x7FFF) >= 0x7BFF) continue;
    const auto middle = static_cast<float>(
        (value + double_from_half(static_cast<uint16_t>(bits + 1))) / 2);  // exact in a float
    for (const float number :
         {middle, std::nextafter(middle, -kInfinity), std::nextafter(middle, kInfinity)})
      REQUIRE(half_from_float(number) == half_from_double(static_cast<double>(number)));
  }
  for (const float number :
       {65504.0F, 65519.0F, 65520.0F, 65536.0F, 1e30F, -1e30F, kInfinity, 1e-30F, -0.0F})
    CHECK(half_from_float(number) == half_from_double(static_cast<double>(number)));
  const std::vector<uint16_t> halves = {0x3C00, 0xC000, 0x3800};
  std::vector<float> floats(3);
  floats_from_halves(halves, floats);
  CHECK(floats == std::vector<float>{1, -2, 0.5F});
  std::vector<uint16_t> back(3);
  halves_from_floats(floats, back);
  CHECK(back == halves);
}

TEST_CASE("many floats and halves at once are those one by one, NaN and all, at every address") {
  std::vector<uint16_t> halves(0x10000 + 5);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i * 40503 + 7);
  for (size_t count : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{9}, halves.size()}) {
    std::vector<uint8_t> in(2 * count + 1), floats(4 * count + 2, 0xEE), back(2 * count + 2, 0xEE);
    if (count != 0) std::memcpy(in.data() + 1, halves.data(), 2 * count);
    floats_from_halves(Bytes(in).subspan(1), floats.data() + 1);
    halves_from_floats(Bytes(floats).subspan(1, 4 * count), back.data() + 1);
    REQUIRE(floats.back() == 0xEE);
    REQUIRE(back.back() == 0xEE);
    for (size_t i = 0; i < count; ++i) {
      const float one = float_from_half(halves[i]);
      REQUIRE(load_le<uint32_t>(&floats[1 + 4 * i]) == std::bit_cast<uint32_t>(one));
      REQUIRE(load_le<uint16_t>(&back[1 + 2 * i]) == half_from_float(one));
    }
  }
  uint32_t seed = 1;
  std::vector<float> singles(100'003);
  for (float& single : singles) single = std::bit_cast<float>(seed = seed * 1664525 + 1013904223);
  std::vector<uint16_t> out(singles.size());
  halves_from_floats(singles, out);
  for (size_t i = 0; i < out.size(); ++i) REQUIRE(out[i] == half_from_float(singles[i]));
}

TEST_CASE("one element that is not finite is found wherever it stands") {
  for (size_t count = 0; count <= 70; ++count) {
    std::vector<float> floats(count, 3e38F);
    std::vector<uint16_t> halves(count, 0x7BFF);
    const auto bytes = [](const auto& of) {
      return Bytes(reinterpret_cast<const uint8_t*>(of.data()), of.size() * sizeof(of[0]));
    };
    REQUIRE(all_finite_floats(bytes(floats)));
    REQUIRE(all_finite_halves(bytes(halves)));
    for (size_t i = 0; i < count; ++i) {
      floats[i] = i % 2 == 0 ? kNaN : -kInfinity;
      halves[i] = i % 2 == 0 ? 0x7E00 : 0xFC00;
      REQUIRE(!all_finite_floats(bytes(floats)));
      REQUIRE(!all_finite_halves(bytes(halves)));
      floats[i] = -0.0F, halves[i] = 0x8001;
    }
  }
}

TEST_CASE("float16 of a double: halfway goes to even, overflow is infinite") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const double value = double_from_half(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    REQUIRE(half_from_double(value) == bits);
    const auto next = static_cast<uint16_t>(bits + 1);
    if ((bits & 0x7FFF) >= 0x7BFF) continue;
    const double middle = (value + double_from_half(next)) / 2;  // exact in a double
    const uint16_t even = (bits & 1) == 0 ? static_cast<uint16_t>(bits) : next;
    REQUIRE(half_from_double(middle) == even);
    REQUIRE(half_from_double(std::nextafter(middle, value)) == bits);
    REQUIRE(half_from_double(std::nextafter(middle, double_from_half(next))) == next);
  }
}

TEST_CASE("int8 and bits") {
  const std::vector<float> floats = {0.5F, 1.5F, -128.4F, 127.6F, 1e9F, -1e9F, kNaN, -1};
  std::vector<int8_t> small(floats.size());
  int8_from_floats(floats, small);
  CHECK(small == std::vector<int8_t>{0, 2, -128, 127, 127, -128, 0, -1});
  std::vector<float> back(small.size());
  floats_from_int8(small, back);
  CHECK(back == std::vector<float>{0, 2, -128, 127, 127, -128, 0, -1});

  const std::vector<float> signs = {1, 0, -1, 0.1F, kNaN, 0, 0, 5, 2};
  std::vector<uint8_t> bits(2, 0xFF);
  bits_from_floats(signs, bits);
  CHECK(bits == std::vector<uint8_t>{0x91, 0x80});
  std::vector<float> ones(signs.size());
  floats_from_bits(bits, ones);
  CHECK(ones == std::vector<float>{1, 0, 0, 1, 0, 0, 0, 1, 1});
}

TEST_CASE("distances of other kinds, at every length") {
  for (size_t count = 0; count <= 67; ++count) {
    const std::vector<float> a = numbers(count, 3), b = numbers(count, 4);
    long double along = 0;
    uint64_t differ = 0, shared = 0, any = 0;
    for (size_t i = 0; i < count; ++i) {
      along += std::fabs(static_cast<long double>(a[i]) - static_cast<long double>(b[i]));
      const bool x = a[i] > 0, y = b[i] > 0;
      differ += x != y ? 1 : 0;
      shared += x && y ? 1 : 0;
      any += x || y ? 1 : 0;
    }
    CHECK(l1(a, b) == Approx(static_cast<double>(along)).epsilon(1e-13));
    CHECK(hamming(a, b) == differ);
    CHECK(jaccard(a, b) ==
          (shared == 0 ? 1.0 : 1 - static_cast<double>(shared) / static_cast<double>(any)));
  }
}
