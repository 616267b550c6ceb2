// One stream of the rows of several plans into PostgreSQL: the writers of a task.
#pragma once
#include <vector>

#include "postgres/sink.hpp"

namespace lugger {

/// The plans outlive the sink. RowSink::select() says whose rows write() takes. Rows are sent when
/// the unit is committed, through temporary tables, in one transaction. A document that the server
/// refuses for one plan is loaded for none.
std::unique_ptr<RowSink> make_pg_joint_sink(const std::vector<const PlanShape*>& plans,
                                            const PgSinkSettings& settings);

}  // namespace lugger
