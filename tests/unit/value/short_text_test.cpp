// The quick ways for names, short texts and usual numbers say the same as the plain ones.
#include <charconv>
#include <random>

#include "base/text.hpp"
#include "value/json_text.hpp"

namespace lugger::test {
namespace {

std::string plain_digits(double number) {
  char out[32];
  return {out, std::to_chars(out, out + sizeof out, number).ptr};
}

std::string quick_digits(double number) {
  char out[32];
  return {out, json::shortest_chars(number, out)};
}

std::string filled(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i % 26);
  return out;
}

}  // namespace

TEST_CASE("numbers with few decimals have the digits that to_chars gives") {
  size_t wrong = 0;
  for (int thousandths = -2'000'000; thousandths <= 2'000'000; ++thousandths) {
    const double number = thousandths / 1000.0;
    if (number == std::trunc(number)) continue;  // write_shortest has its own way for these
    if (quick_digits(number) != plain_digits(number)) ++wrong;
  }
  CHECK(wrong == 0);
  std::mt19937_64 random(20261126);
  for (int i = 0; i < 500'000; ++i) {
    const double any = std::bit_cast<double>(random());
    const double cents = static_cast<double>(random() % 100'000'000'000'000) / 100;
    const double near = std::nextafter(cents, 1e300);
    for (const double number : {any, cents, -cents, near, cents * 1e-3}) {
      if (!std::isfinite(number) || number == std::trunc(number)) continue;
      if (quick_digits(number) != plain_digits(number)) ++wrong;
    }
  }
  CHECK(wrong == 0);
  for (const double number : {0.001, 0.0005, 0.0015, 1e-5, 5e-324, 0.1, 0.125, 123456789012.345,
                              999999999999.999, 4503599627370497.5})
    CHECK(quick_digits(number) == plain_digits(number));
}

TEST_CASE("clean text ends at the first byte that JSON escapes, wherever it lies") {
  for (size_t size = 0; size <= 40; ++size) {
    const std::string text = filled(size);
    std::vector<uint8_t> out(size + 8);
    CHECK(json::copy_clean(as_bytes(text).data(), size, out.data()) == size);
    CHECK(std::equal(text.begin(), text.end(), out.begin()));
    for (size_t at = 0; at < size; ++at) {
      for (const char odd : {'"', '\\', '\0', '\x1f', '\n', '\x80', '\xff'}) {
        std::string broken = text;
        broken[at] = odd;
        CHECK(json::copy_clean(as_bytes(broken).data(), size, out.data()) == at);
      }
    }
  }
}

TEST_CASE("the first zero of a short run of bytes") {
  for (size_t size = 0; size <= 40; ++size) {
    std::string text = filled(size);
    const uint8_t* const begin = as_bytes(text).data();
    CHECK(find_zero(begin, begin + size) == nullptr);
    for (size_t at = size; at-- > 0;) {
      text[at] = '\0';
      CHECK(find_zero(begin, begin + size) == begin + at);
    }
    text = std::string(size, '\x01');
    CHECK(find_zero(as_bytes(text).data(), as_bytes(text).data() + size) == nullptr);
  }
}

TEST_CASE("short copies reach no byte beyond their end") {
  for (size_t size = 0; size <= 40; ++size) {
    const std::string text = filled(size);
    std::string out(size + 8, '#');
    copy_short(out.data(), text.data(), size);
    CHECK(out == text + std::string(8, '#'));
  }
}

TEST_CASE("hex digits of either case, and nothing else") {
  uint8_t bytes[4];
  REQUIRE(from_hex("00fFAb7e", bytes));
  CHECK(to_hex(Bytes(bytes)) == "00ffab7e");
  for (const char* wrong : {"0", "0g", "g0", "0x", " 0", "0\x80",
                            "\xff"
                            "0"})
    CHECK_FALSE(from_hex(wrong, bytes));
}

}  // namespace lugger::test
