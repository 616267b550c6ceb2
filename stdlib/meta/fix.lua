---@meta lugger.native
-- Fixes, undos, and runs reached from outside.
local native = {}

--- Starts a fix; lugger.fix makes the table it takes.
---@param spec table
---@param settings lugger.fix_settings|nil
---@return lugger.native.fix_run
function native.fix(spec, settings) end

--- Starts the undo of a run; lugger.undo makes the table it takes.
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

--- Asks a run: "status", "pause", "resume", "speed 500", "stop", "stop now".
---@param run string
---@param request string
---@return { name: string, value: string }[] what it says of itself
function native.control(run, request) end

--- BSON bytes of plain JSON: no object stands for another type, no number loses a digit. A value that is no object comes
--- as a document whose only field is "".
---@param text string
---@return string
function native.json_plain(text) end

return native
