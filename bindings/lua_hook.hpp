// The hook of a job: each worker has its own Lua state and calls it once a batch.
#pragma once
#include "engine/job.hpp"

namespace lugger {

/// packed: a function and its captured values, by value (stdlib/inner/script/capture.lua).
HookFactory hook_factory(std::string packed, OnHookError on_error, std::string stdlib);

}  // namespace lugger
