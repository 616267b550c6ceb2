-- How the body of a task, a coroutine, gives way to the caller that polls its run, and waits for its turn.
local native = require 'lugger.native'

local turns = {}

local yield_every = 0.2 -- seconds between two yields to the caller that polls the run

turns.look_every_ms = 50 -- while it waits for permission to go on

local function check_stop(state)
  if state.stop or state.native:stopping() then error(native.error('interrupted', 'stopped'), 0) end
end

-- Yields to the caller that polls the run: it may look, ask it to stop, or show why it waits.
local function give_way(state)
  if coroutine.running() == state.thread then
    ---@diagnostic disable-next-line: await-in-sync only of the thread that the run resumes
    coroutine.yield()
  elseif state.waits_for then
    -- Inside a coroutine of the script itself there is no caller to yield to.
    native.system.sleep(turns.look_every_ms)
    state.stop = state.stop or native.system.stop_level() > 0
  end
  state.paused = native.system.monotonic()
  check_stop(state)
end

--- Yields if enough time has passed since the last time.
---@param state table of the run
function turns.pause(state)
  check_stop(state)
  if native.system.monotonic() - state.paused >= yield_every then give_way(state) end
end

--- Calls `ask` repeatedly until it returns something.
---@param state table of the run
---@param ask fun(): any
---@return any
function turns.wait_for(state, ask)
  local found = ask()
  while not found do
    state.waits_for = state.native:waits_for()
    give_way(state)
    found = ask()
  end
  state.waits_for = nil
  return found
end

--- Before a unit, with nothing open on the target, waits while the run is paused, outside its hours, over its speed, or
--- while a limit on the target's health is exceeded.
---@param state table of the run
function turns.wait_turn(state)
  turns.wait_for(state, function() return state.native:may_go_on() end)
  turns.pause(state)
end

return turns
