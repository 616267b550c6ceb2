// The status of a run.
#pragma once
#include <algorithm>
#include <array>

#include "base/words.hpp"

namespace lugger {

/// An enum in C++; ledgers, scripts and messages use its word.
class RunStatus {
 public:
  enum Value : uint8_t { kRunning, kStopped, kFailed, kDone, kAbandoned };
  static constexpr std::array<std::string_view, 5> kWords = {"running", "stopped", "failed", "done",
                                                             "abandoned"};

  constexpr RunStatus(Value value = kRunning) noexcept : value_(value) {}
  /// A literal that is not one of the words does not compile.
  consteval RunStatus(const char* literal) : value_(place_of(literal)) {}
  /// From the word of a ledger or a script. Error{config} when it is not one of the words.
  static RunStatus of(std::string_view word) {
    return enum_of<Value>("the status of a run", word, kWords);
  }

  constexpr std::string_view word() const noexcept { return kWords[value_]; }
  constexpr operator std::string_view() const noexcept { return word(); }
  friend constexpr bool operator==(RunStatus, RunStatus) noexcept = default;

 private:
  static consteval Value place_of(std::string_view word) {
    return static_cast<Value>(std::distance(
        kWords.begin(), &kWords.at(std::ranges::find(kWords, word) - kWords.begin())));
  }

  Value value_;
};

}  // namespace lugger
