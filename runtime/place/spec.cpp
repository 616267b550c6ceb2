#include "place/spec.hpp"

#include <charconv>

#include "base/error.hpp"

namespace lugger {
namespace {

std::optional<uint64_t> number(std::string_view text) {
  uint64_t out = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (fault != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view place) {
  throw Error(Code::kConfig,
              fmt::format("{}: \"{}\" is not a {} of this source", place, text, what),
              "it belongs to another source or version; run again with --restart");
}

}  // namespace

uint64_t position_number(std::string_view position, std::string_view name, std::string_view place) {
  const auto field = spec_field(position, name);
  const auto value = field ? number(*field) : std::nullopt;
  if (!value) refuse("position", position, place);
  return *value;
}

ByteRange partition_range(std::string_view spec, uint64_t size, std::string_view place) {
  if (spec.empty()) return {0, size};
  const auto field = spec_field(spec, "offset");
  const size_t dash = field ? field->find('-') : std::string_view::npos;
  if (dash == std::string_view::npos) refuse("partition", spec, place);
  const auto begin = number(field->substr(0, dash)), end = number(field->substr(dash + 1));
  if (!begin || !end || *begin > *end || *end > size) refuse("partition", spec, place);
  return {*begin, *end};
}

void check_inside(ByteRange range, uint64_t offset, std::string_view position,
                  std::string_view spec, std::string_view place) {
  if (offset >= range.begin && offset <= range.end) return;
  raise(Code::kConfig, "{}: position {} lies outside of partition {}", place, position, spec);
}

}  // namespace lugger
