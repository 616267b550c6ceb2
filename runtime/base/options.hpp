// Options of sources, targets and jobs: declared as data, so that checking them needs no further
// code.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lugger {

using OptionValue = std::variant<bool, double, std::string, std::vector<std::string>>;

struct OptionSpec {
  /// A value that names something to open is kPath or kUrl, never kText, because a sandbox checks
  /// those.
  enum class Type : uint8_t { kFlag, kNumber, kText, kChoice, kList, kPath, kUrl, kFlagOrPath };
  std::string_view name;
  Type type;
  std::string_view help;  // one sentence
  std::string_view fallback =
      {};  // told to those who ask; kChoice: the first of `choices` when empty
  std::string_view choices = {};  // kChoice: "error|skip|update|newer"
};

/// Options given by a user, checked against their declaration.
class Options {
 public:
  Options() = default;
  explicit Options(std::map<std::string, OptionValue> values) : values_(std::move(values)) {}

  /// Error{config} for an unknown key ("did you mean on_conflict?"), a wrong type or an unknown
  /// choice. `what` names the holder: "target".
  void check(std::string_view what, std::span<const OptionSpec> specs) const;

  bool has(std::string_view name) const { return find(name) != nullptr; }
  bool flag(std::string_view name, bool fallback = false) const;
  double number(std::string_view name, double fallback) const;
  std::string text(std::string_view name, std::string_view fallback = {}) const;
  /// A list, or one text as a list of one.
  std::vector<std::string> list(std::string_view name) const;
  void set(std::string name, OptionValue value) { values_[std::move(name)] = std::move(value); }
  const std::map<std::string, OptionValue>& values() const noexcept { return values_; }

 private:
  const OptionValue* find(std::string_view name) const;
  std::map<std::string, OptionValue> values_;
};

}  // namespace lugger
