// Vectors that are made of texts on the way, a batch at a time.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/arena.hpp"
#include "value/value.hpp"

namespace lugger {

struct Column;

/// One thread at a time.
class TextVectors {
 public:
  /// What became of a text: its vector, or why there is none.
  struct Made {
    Value vector;  // kVector, in the arena; kMissing: a stand-in will do, nothing is written
    std::string refusal;
  };
  virtual ~TextVectors() = default;
  /// One answer a text, in their order. What concerns more than a text is thrown.
  virtual void make(const Column& column, std::span<const std::string_view> texts, Arena& arena,
                    std::span<Made> out) = 0;
};

}  // namespace lugger
