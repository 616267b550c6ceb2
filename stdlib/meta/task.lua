---@meta lugger.native
-- Tasks: what stdlib/inner/job/task.lua is made of.
---@class lugger.native
local native = {}

--- The native part of a task; lugger.task wraps it.
---@param name string
---@param script_hash string|nil
---@param resume_command string|nil
---@param settings lugger.run_settings|nil
---@param now string|nil the instant of a run that begins, ISO text
---@return lugger.native.task
function native.task(name, script_hash, resume_command, settings, now) end

---@class lugger.native.task
local task = {}
---@param place string
---@param options table|nil
---@param batch_rows integer|nil
---@return integer number
function task:add_cursor(place, options, batch_rows) end
--- The next batch as a pointer for FFI (lug_batch *). nil: there are no more if exhausted, otherwise none yet.
---@param cursor integer
---@return userdata|nil
function task:next(cursor) end
---@param cursor integer
---@return boolean
function task:exhausted(cursor) end
---@param cursor integer
---@return string
function task:position(cursor) end
--- The instant of the run as ISO text; a resumed run keeps it.
---@return string
function task:now() end
--- Its number, and the names that a row for it may have: `{ email = true, lines = { sku = true } }`.
---@param place string
---@param options table|nil
---@param mapping table
---@param throttle table|nil as lugger.throttle checks it
---@return integer number
---@return table<string, true|table> names
function task:add_writer(place, options, mapping, throttle) end
---@param writer integer
---@param batch userdata
function task:write(writer, batch) end
---@param writer integer
---@param bson string
---@param table string "" where the mapping has one, or a route says which
---@param batch userdata|nil of the document that the row belongs to
---@param index integer|nil from 0
function task:add(writer, bson, table, batch, index) end
---@param writer integer
---@param batch userdata
---@param index integer from 0
---@param column string
---@param message string
function task:reject(writer, batch, index, column, message) end
---@param batch userdata
---@param index integer from 0
---@param reason string
function task:skip(batch, index, reason) end
--- False: the connection was lost; call it again later with the same position.
---@param position string
---@return boolean
function task:commit(position) end
--- Raises an error when there are rows, skips or rejects that no commit took.
function task:check_committed() end
--- After a commit: true when the next unit may begin. Does not wait.
---@return boolean free
function task:may_go_on() end
--- Why the task must wait; "" when it may go on, or when only its speed limits it.
---@return string
function task:waits_for() end
--- True when another process asked it to stop.
---@return boolean
function task:stopping() end
--- Begins the end of the run, with everything that follows its last row; then poll.
---@param status "done"|"stopped"|"failed"
---@param err any
function task:finish(status, err) end
---@param timeout_ms integer|nil
---@return lugger.run_snapshot
function task:poll(timeout_ms) end
---@return boolean
function task:ended() end
---@param level "finish"|"now"|nil
function task:stop(level) end
---@return lugger.run_result
function task:result() end
---@return lugger.tally
function task:tally() end
function task:close() end

return native
