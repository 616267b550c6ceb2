// One worker's stream of rows into PostgreSQL.
#pragma once
#include "place/target.hpp"
#include "postgres/loader.hpp"

namespace lugger {

struct PgSinkSettings {
  std::string url;  // resolved; may hold a password
  bool pooled = false;
  std::string state_schema;
  PgLoadMode mode = PgLoadMode::kDirect;
};

/// `plan` outlives the sink.
std::unique_ptr<RowSink> make_pg_sink(const PlanShape& plan, const PgSinkSettings& settings);

}  // namespace lugger
