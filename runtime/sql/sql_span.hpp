// A stretch of a text.
#pragma once
#include <cstddef>

namespace lugger {

struct SqlSpan {
  size_t offset = 0, length = 0;
};

}  // namespace lugger
