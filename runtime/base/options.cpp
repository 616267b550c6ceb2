#include "base/options.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/gate.hpp"
#include "base/text.hpp"

namespace lugger {

namespace {

bool is_choice(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const std::string_view choice = choices.substr(0, choices.find('|'));
    if (choice == value) return true;
    choices.remove_prefix(std::min(choices.size(), choice.size() + 1));
  }
  return false;
}

std::string_view type_name(OptionSpec::Type type) {
  static constexpr std::string_view kNames[] = {"true or false", "a number",           "text",
                                                "text",          "a list of texts",    "text",
                                                "text",          "true, false or text"};
  return kNames[static_cast<size_t>(type)];
}

bool fits(const OptionValue& value, OptionSpec::Type type) {
  switch (type) {
    case OptionSpec::Type::kFlag: return std::holds_alternative<bool>(value);
    case OptionSpec::Type::kNumber: return std::holds_alternative<double>(value);
    case OptionSpec::Type::kText:
    case OptionSpec::Type::kPath:
    case OptionSpec::Type::kUrl:
    case OptionSpec::Type::kChoice: return std::holds_alternative<std::string>(value);
    case OptionSpec::Type::kList:
      return std::holds_alternative<std::vector<std::string>>(value) ||
             std::holds_alternative<std::string>(value);
    case OptionSpec::Type::kFlagOrPath:
      return std::holds_alternative<bool>(value) || std::holds_alternative<std::string>(value);
  }
  return false;
}

/// Asks the gate before anything is opened or read.
void refuse_forbidden(const OptionValue& value, OptionSpec::Type type) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return;
  const bool path = type == OptionSpec::Type::kPath || type == OptionSpec::Type::kFlagOrPath;
  if (path) AllowedPath asked(*text);
  if (type == OptionSpec::Type::kUrl && !text->empty()) AllowedUrl asked(*text);
}

}  // namespace

void Options::check(std::string_view what, std::span<const OptionSpec> specs) const {
  for (const auto& [name, value] : values_) {
    const auto spec = std::find_if(
        specs.begin(), specs.end(),
        [&, key = std::string_view(name)](const OptionSpec& s) { return s.name == key; });
    if (spec == specs.end()) {
      std::vector<std::string_view> names;
      for (const OptionSpec& known : specs) names.push_back(known.name);
      const std::string_view close = nearest(name, names);
      throw Error(Code::kConfig, fmt::format("{} has no option \"{}\"", what, name),
                  names.empty()   ? "it takes none"
                  : close.empty() ? fmt::format("known are: {}", fmt::join(names, ", "))
                                  : fmt::format("did you mean {}?", close));
    }
    if (!fits(value, spec->type))
      raise(Code::kConfig, "{}: option \"{}\" takes {}", what, name, type_name(spec->type));
    refuse_forbidden(value, spec->type);
    if (spec->type == OptionSpec::Type::kChoice &&
        !is_choice(spec->choices, std::get<std::string>(value))) {
      std::string choices(spec->choices);
      for (size_t at = 0; (at = choices.find('|', at)) != std::string::npos; at += 2)
        choices.replace(at, 1, ", ");
      throw Error(
          Code::kConfig,
          fmt::format("{}: {} = \"{}\" is not a choice", what, name, std::get<std::string>(value)),
          fmt::format("choose one of {}", choices));
    }
  }
}

const OptionValue* Options::find(std::string_view name) const {
  const auto at = values_.find(std::string(name));
  return at == values_.end() ? nullptr : &at->second;
}

bool Options::flag(std::string_view name, bool fallback) const {
  const OptionValue* value = find(name);
  return value == nullptr ? fallback : std::get<bool>(*value);
}

double Options::number(std::string_view name, double fallback) const {
  const OptionValue* value = find(name);
  return value == nullptr ? fallback : std::get<double>(*value);
}

std::string Options::text(std::string_view name, std::string_view fallback) const {
  const OptionValue* value = find(name);
  return value == nullptr ? std::string(fallback) : std::get<std::string>(*value);
}

std::vector<std::string> Options::list(std::string_view name) const {
  const OptionValue* value = find(name);
  if (value == nullptr) return {};
  if (const auto* one = std::get_if<std::string>(value)) return {*one};
  return std::get<std::vector<std::string>>(*value);
}

}  // namespace lugger
