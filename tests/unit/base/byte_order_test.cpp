#include "base/byte_order.hpp"

#include <vector>

#include "base/bytes.hpp"
#include "catch.hpp"

using namespace lugger;

TEST_CASE("elements are turned round at every count and address, and nothing behind them") {
  for (size_t count = 0; count <= 70; ++count) {
    for (size_t offset = 0; offset < 4; ++offset) {
      std::vector<uint8_t> in(offset + 4 * count + 1), out(offset + 4 * count + 1, 0xEE);
      for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint8_t>(i * 37 + 11);
      swap_elements4(in.data() + offset, count, out.data() + offset);
      for (size_t i = 0; i < count; ++i)
        REQUIRE(load_le<uint32_t>(&out[offset + 4 * i]) == load_be<uint32_t>(&in[offset + 4 * i]));
      REQUIRE(out.back() == 0xEE);
      std::fill(out.begin(), out.end(), uint8_t{0xEE});
      swap_elements2(in.data() + offset, count, out.data() + offset);
      for (size_t i = 0; i < count; ++i)
        REQUIRE(load_le<uint16_t>(&out[offset + 2 * i]) == load_be<uint16_t>(&in[offset + 2 * i]));
      REQUIRE(out[offset + 2 * count] == 0xEE);
    }
  }
}
