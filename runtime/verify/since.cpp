#include "verify/since.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "value/datetime.hpp"
#include "value/looked_into.hpp"
#include "value/path.hpp"

namespace lugger {

namespace {

std::optional<int64_t> unix_ms_of(const Value& value) {
  switch (value.type) {
    case ValueType::kDate: return value.i64;
    case ValueType::kTimestamp: return (value.i64 >> 32) * 1000;
    case ValueType::kObjectId: return int64_t{load_be<uint32_t>(value.data)} * 1000;
    case ValueType::kMicros: return unix_ms_from_micros(value.i64);
    case ValueType::kDay: return unix_ms_from_micros(value.i64 * kMicrosPerDay);
    case ValueType::kString:
      if (const auto micros = parse_timestamp(value.text())) return unix_ms_from_micros(*micros);
      return std::nullopt;
    default: return std::nullopt;
  }
}

}  // namespace

SinceFilter::SinceFilter(const std::string& time, const std::string& field)
    : field_(field), path_(split_path(field.empty() ? "_id" : field)) {
  const std::optional<int64_t> micros = parse_timestamp(time);
  const auto ms = micros ? unix_ms_from_micros(*micros) : std::nullopt;
  if (!ms) {
    throw Error(Code::kConfig, fmt::format("since: cannot read \"{}\" as a time", time),
                "write 2026-03-11 or 2026-03-11T09:30:00Z; with a field: updatedAt=2026-03-11");
  }
  unix_ms_ = *ms;
  time_ = timestamp_text(*micros);
}

bool SinceFilter::includes(const Document& document) const {
  Arena scratch(4096);
  const std::optional<int64_t> ms = unix_ms_of(value_at(document, path_, scratch));
  return !ms || *ms >= unix_ms_;
}

std::string SinceFilter::words() const {
  return field_.empty() ? fmt::format("documents whose _id was made at or after {}", time_)
                        : fmt::format("documents whose {} is at or after {}", field_, time_);
}

}  // namespace lugger
