#include "pinecone/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/ascii.hpp"
#include "value/json_text.hpp"

namespace lugger {
namespace {

namespace od = simdjson::ondemand;

void append_quoted(std::string_view text, ByteBuffer& out) {
  static_cast<void>(json::write_string(out, text, {}));
}

/// The digits of a number without zeros at either end, and the power of ten of the last: equal for
/// equal numbers. Zero has no digits.
struct Decimal {
  std::string digits;
  int64_t exponent = 0;
  bool negative = false;

  bool operator==(const Decimal&) const = default;
};

Decimal decimal_of(std::string_view text) {
  Decimal out;
  out.negative = text.starts_with('-');
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  bool fraction = false;
  for (const char c : text.substr(0, e)) {
    if (c == '.') fraction = true;
    if (!is_digit(c)) continue;
    out.digits += c;
    if (fraction) --out.exponent;
  }
  if (e < text.size()) {
    int64_t power = 0;
    const char* begin = text.data() + e + 1;
    if (begin != text.data() + text.size() && *begin == '+') ++begin;
    std::from_chars(begin, text.data() + text.size(), power);
    out.exponent += power;
  }
  while (out.digits.ends_with('0')) {
    out.digits.pop_back();
    ++out.exponent;
  }
  out.digits.erase(0, out.digits.find_first_not_of('0'));
  return out.digits.empty() ? Decimal{} : out;
}

/// The double, where its shortest digits, which are what comes back, say the same.
std::optional<double> exact_double(std::string_view digits) {
  double out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(out))
    return std::nullopt;
  char shortest[32];
  const auto printed =
      std::to_chars(shortest, shortest + sizeof shortest, out, std::chars_format::scientific);
  const std::string_view again(shortest, static_cast<size_t>(printed.ptr - shortest));
  return decimal_of(again) == decimal_of(digits) ? std::optional(out) : std::nullopt;
}

void append_name(std::string_view name, ByteBuffer& out) {
  append_quoted(name, out);
  out.push(':');
}

}  // namespace

simdjson::ondemand::document MetadataWriter::parsed(std::string_view json) {
  text_.assign(json);
  text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
  return parser_.iterate(
      simdjson::padded_string_view(text_.data(), text_.size(), text_.capacity()));
}

Failure MetadataWriter::check_name(std::string_view name) {
  if (name.empty()) return fail(Failure::kSyntax, "a field of metadata has a name");
  if (name.starts_with('$'))
    return fail(Failure::kSyntax,
                fmt::format("the field {}: Pinecone keeps names with $ for itself", name));
  return Failure::kNone;
}

Failure MetadataWriter::number(std::string_view name, std::string_view digits, ByteBuffer& out) {
  const std::optional<double> exact = exact_double(digits);
  if (!exact && !policy_.numbers_text)
    return fail(Failure::kInexact,
                fmt::format("{}: {} would be rounded, since Pinecone's numbers are doubles: "
                            "large_numbers = 'text' keeps its digits",
                            name, digits));
  append_name(name, out);
  if (exact) {
    json::write_shortest(out, *exact);
  } else {
    append_quoted(digits, out);
  }
  out.push(',');
  return Failure::kNone;
}

Failure MetadataWriter::value(std::string_view name, std::string_view json_text, ByteBuffer& out) {
  if (const Failure bad = check_name(name); bad != Failure::kNone) return bad;
  try {
    od::document document = parsed(json_text);
    bool scalar = false;
    if (document.is_scalar().get(scalar) == simdjson::SUCCESS && scalar) {
      // A document that is a scalar gives no value; as the element of a list it does.
      const std::string wrapped = fmt::format("[{}]", json_text);
      od::document list = parsed(wrapped);
      for (auto one : list.get_array()) return element(name, one.value(), out);
    }
    return element(name, document.get_value(), out);
  } catch (const simdjson::simdjson_error& error) {
    return fail(Failure::kSyntax, fmt::format("{} is no JSON: {}", name, error.what()));
  }
}

Failure MetadataWriter::element(std::string_view name, Element value, ByteBuffer& out) {
  switch (value.type()) {
    case od::json_type::null:
      if (policy_.drop_nulls) return Failure::kNone;
      return fail(Failure::kWrongType,
                  fmt::format("{} is null, which metadata cannot hold: nulls = "
                              "'drop' leaves it out",
                              name));
    case od::json_type::boolean:
      append_name(name, out);
      out.append(value.get_bool().value() ? "true," : "false,");
      return Failure::kNone;
    case od::json_type::number: {
      std::string_view digits = value.raw_json_token();
      while (!digits.empty() && is_space(digits.back())) digits.remove_suffix(1);
      return number(name, digits, out);
    }
    case od::json_type::string:
      append_name(name, out);
      append_quoted(value.get_string(), out);
      out.push(',');
      return Failure::kNone;
    case od::json_type::array: return list(name, value, out);
    case od::json_type::object: return nested(name, od::object(value.get_object()).raw_json(), out);
  }
  return Failure::kNone;
}

/// Of strings alone, it is a list there too.
Failure MetadataWriter::list(std::string_view name, Element value, ByteBuffer& out) {
  od::array array = value.get_array();
  const size_t before = out.size();
  append_name(name, out);
  out.push('[');
  bool first = true, strings = true;
  for (auto one : array) {
    if (one.type() != od::json_type::string) {
      strings = false;
      break;
    }
    if (!first) out.push(',');
    first = false;
    append_quoted(one.get_string(), out);
  }
  if (strings) {
    out.append("],");
    return Failure::kNone;
  }
  out.truncate(before);
  array.reset();
  return nested(name, array.raw_json(), out);
}

Failure MetadataWriter::nested(std::string_view name, std::string_view json_text, ByteBuffer& out) {
  if (!policy_.nested_json)
    return fail(Failure::kWrongType,
                fmt::format("{} is nested, or a list of others than strings, "
                            "which metadata cannot hold: nested = 'json' keeps "
                            "the text of its JSON",
                            name));
  append_name(name, out);
  append_quoted(trimmed(json_text), out);
  out.push(',');
  return Failure::kNone;
}

}  // namespace lugger
