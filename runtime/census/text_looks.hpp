// Examines texts: which other type could hold them.
#pragma once
#include <simdjson.h>

#include "value/decimal.hpp"

namespace lugger {

/// Decimal digits before and behind the point, the most that were seen.
struct Digits {
  int whole = 0, scale = 0;

  void add(int digits, int decimals) noexcept {
    whole = std::max(whole, digits - decimals);
    scale = std::max(scale, decimals);
  }
  void merge(const Digits& other) noexcept {
    whole = std::max(whole, other.whole);
    scale = std::max(scale, other.scale);
  }
  int precision() const noexcept { return std::max(whole, 0) + std::max(scale, 0); }
};

/// Counts of texts. `looked_at` is less than the number of texts where only a part was examined.
struct TextLooks {
  uint64_t looked_at = 0, number = 0, integer = 0, padded = 0, date = 0, boolean = 0, uuid = 0,
           object_id = 0, json = 0;  // padded: integers that a number would not give back ("007")
  Digits digits;                     // of the numbers

  /// True while all texts are of one kind: then the next one is examined too, however many there
  /// were.
  bool pure() const noexcept {
    return looked_at != 0 && (number == looked_at || date == looked_at || boolean == looked_at ||
                              uuid == looked_at || object_id == looked_at || json == looked_at);
  }

  void merge(const TextLooks& other) noexcept;
};

class TextProbe {
 public:
  /// Counts one text. Every check begins with its length and first bytes, so that most texts cost
  /// next to nothing. JSON is parsed up to kMostJson bytes; longer text is not taken for JSON.
  void look(std::string_view text, TextLooks& looks);

 private:
  static constexpr size_t kMostJson = 64 << 10;
  void look_at_number(std::string_view text, TextLooks& looks);
  bool is_json(std::string_view text);

  DecimalDigits digits_;
  simdjson::dom::parser parser_;
};

}  // namespace lugger
