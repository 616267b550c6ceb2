// A plan held against a database: what is missing, what cannot work, and which way of loading the
// tables allow.
#pragma once
#include <array>

#include "place/target.hpp"
#include "postgres/made_table.hpp"

namespace lugger {

/// The user's choice.
enum class PgWriter : uint8_t { kCopy, kStatement };
inline constexpr std::array<std::string_view, 2> kPgWriterWords = {"copy", "statement"};

struct InspectFor {
  bool create = false;  // missing tables may be made
  bool again = true;    // the source can be read a second time
  PgWriter writer = PgWriter::kCopy;
  MadeTable made = {};
};

TargetReport inspect_pg(PgSession& session, const PlanShape& plan, const InspectFor& load);

}  // namespace lugger
