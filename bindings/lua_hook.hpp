// The hook of a job: one Lua state a worker, one call into it a batch.
#pragma once
#include "engine/job.hpp"

namespace lugger {

/// packed: a function and what it captures, by value (stdlib/inner/script/capture.lua).
HookFactory hook_factory(std::string packed, OnHookError on_error, std::string stdlib);

}  // namespace lugger
