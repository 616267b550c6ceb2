// The one error type. A per-value failure is an enum (plan/failure.hpp) until it is reported; then
// it becomes one of these.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lugger {

enum class Code : uint8_t {
  kConfig,
  kConnect,
  kAuth,
  kRead,
  kParse,
  kCoerce,
  kConstraint,
  kConflict,
  kTimeout,
  kInterrupted,
  kHook,
  kVerify,
  kBudget,
  kBug,
};

/// The word scripts see in err.code: "config", "connect", ...
std::string_view code_name(Code code) noexcept;

/// What went wrong, where in the data (notes: job, partition, document, column, file, offset) and
/// what to do next (hint).
class Error : public std::exception {
 public:
  Error(Code code, std::string message, std::string hint = {}, std::string sqlstate = {});

  Code code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& hint() const noexcept { return hint_; }
  const std::string& sqlstate() const noexcept { return sqlstate_; }
  const std::vector<std::pair<std::string, std::string>>& notes() const noexcept { return notes_; }

  /// Adds a note. The first value for a key is kept, because it was added nearest to the error.
  Error& note(std::string_view key, std::string_view value) &;
  Error&& note(std::string_view key, std::string_view value) &&;
  Error& with_hint(std::string hint) &;

  /// "message (document 64f1, column age); hint".
  const char* what() const noexcept override { return rendered_.c_str(); }

 private:
  void render();
  Code code_;
  std::string message_, hint_, sqlstate_, rendered_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

template <typename... Args>
[[noreturn]] void raise(Code code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lugger
