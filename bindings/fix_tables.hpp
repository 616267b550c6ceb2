// The result of a fix or an undo, as Lua tables.
#pragma once
#include "bindings/record.hpp"
#include "fix/spec.hpp"

namespace lugger {

Record<FixSample::Cell> record_of(const FixSample::Cell*);
Record<FixSample> record_of(const FixSample*);
Record<FixRefusal> record_of(const FixRefusal*);
Record<FixFieldReport::Pair> record_of(const FixFieldReport::Pair*);
Record<FixFieldReport> record_of(const FixFieldReport*);
Record<FixReport> record_of(const FixReport*);

}  // namespace lugger
