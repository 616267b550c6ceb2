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
  std::string lease;  // the token under which the job is ours; "": it is shared
};

/// `plan` outlives the sink.
std::unique_ptr<RowSink> make_pg_sink(const PlanShape& plan, const PgSinkSettings& settings);

}  // namespace lugger
