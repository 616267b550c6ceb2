// Regular expressions of PCRE2, bounded so that no pattern can hang a load.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lugger {

/// A compiled pattern, and the place where its last match is kept: one thread at a time.
/// Text is UTF-8; bytes of it that are not are matched by nothing.
class Regex {
 public:
  /// How a search goes on behind an empty match.
  enum class Begin : uint8_t { kAnywhere, kHereNotEmpty };
  struct Group {
    size_t begin = 0, end = 0;
  };
  struct Name {
    std::string text;
    size_t group = 0;
  };

  /// flags: some of "imsx", as Perl and MongoDB mean them. Error{config} for an unknown flag, and
  /// with the place of a mistake in the pattern.
  Regex(std::string_view pattern, std::string_view flags);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  /// Above 0: found; then group() tells where. 0: there is none. Below 0: given up, see told().
  int search(std::string_view text, size_t start = 0, Begin begin = Begin::kAnywhere) noexcept;
  /// As search(), but Error{config} names the pattern when it gives up.
  bool found_in(std::string_view text);
  /// Where a group matched; group 0 is all of it. nullopt: the group took no part.
  std::optional<Group> group(size_t number) const noexcept;
  /// Groups that the pattern has, without group 0.
  size_t groups() const noexcept;
  const std::vector<Name>& names() const noexcept;
  const std::string& pattern() const noexcept;
  const std::string& flags() const noexcept;
  /// What search() gave up for, as a sentence without a subject.
  static std::string told(int fault);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lugger
