---@meta lugger.native
-- Fixes, undos, and requests to runs of other processes.
---@class lugger.native
local native = {}

--- Starts a fix from the table that lugger.fix makes.
---@param spec table
---@param settings lugger.fix_settings|nil
---@return lugger.native.fix_run
function native.fix(spec, settings) end

--- Starts the undo of a run from the table that lugger.undo makes.
---@param spec table
---@param settings lugger.fix_settings|nil
---@return lugger.native.fix_run
function native.undo(spec, settings) end

---@class lugger.native.fix_run
local fix_run = {}
--- Waits up to timeout_ms for the end.
---@param timeout_ms integer|nil
---@return lugger.run_snapshot
function fix_run:poll(timeout_ms) end
---@return boolean
function fix_run:ended() end
---@param level "finish"|"now"|nil
function fix_run:stop(level) end
--- Waits for the end.
---@return lugger.run_result
function fix_run:result() end
--- What changed, or would. Waits for the end.
---@return lugger.fix_report
function fix_run:report() end
function fix_run:close() end

--- Runs of this user on this machine that can be reached.
---@return string[] ids
function native.control_runs() end

--- Sends a request to a run: "status", "pause", "resume", "speed 500", "stop", "stop now".
---@param run string
---@param request string
---@return { name: string, value: string }[] what it says of itself
function native.control(run, request) end

--- The BSON bytes of plain JSON: no object is treated as a wrapper for another type, and no number loses a digit. A
--- value that is not an object becomes a document whose only field is "".
---@param text string
---@return string
function native.json_plain(text) end

return native
