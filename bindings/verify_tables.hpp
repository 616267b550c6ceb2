// The results of a verification and a repair, as Lua tables.
#pragma once
#include "bindings/record.hpp"
#include "verify/verification.hpp"

namespace lugger {

Record<ColumnFinding> record_of(const ColumnFinding*);
Record<ColumnDifference> record_of(const ColumnDifference*);
Record<RowFinding> record_of(const RowFinding*);
Record<TableVerdict> record_of(const TableVerdict*);
Record<RecallSide> record_of(const RecallSide*);
Record<RecallQuery> record_of(const RecallQuery*);
Record<RecallVerdict> record_of(const RecallVerdict*);
Record<Verdict> record_of(const Verdict*);
Record<RepairResult> record_of(const RepairResult*);
Record<VerifySnapshot> record_of(const VerifySnapshot*);

/// Reads options of a verification from an argument; nil gives the defaults. Error{config} for an
/// unknown key.
VerifyOptions read_verify_options(lua_State* L, int index);

}  // namespace lugger
