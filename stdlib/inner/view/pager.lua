-- Long output goes through a pager, where a person reads on a terminal: $PAGER, else less where it is installed.
local system = require('lugger.native').system
local terminal = require 'lugger.inner.view.terminal'

local pager = {}

local gone = {} -- raised where the pager was left before the end of the output

local function on_path(program)
  for directory in (system.getenv 'PATH' or ''):gmatch '[^:]+' do
    local found = system.stat(directory .. '/' .. program)
    if found and found.is_file then return true end
  end
  return false
end

-- The command to run, in a shell; nil where output is shown as it is.
local function command()
  if system.getenv 'TERM' == 'dumb' or not (terminal.is_terminal(0) and terminal.is_terminal(1)) then return nil end
  local wanted = system.getenv 'PAGER'
  if wanted == '' or wanted == 'cat' then return nil end
  if not wanted then wanted = on_path 'less' and 'less' or nil end
  -- As git does: colours are kept, and what fits on the screen stays there.
  return wanted and (system.getenv 'LESS' and '' or 'LESS=FRX ') .. wanted
end

local function lines_in(text)
  return select(2, text:gsub('\n', ''))
end

--- Runs a function; what it prints as data goes to a pager as soon as it is longer than the terminal.
---@param work fun()
function pager.show(work)
  local program, height = command(), system.height()
  if not program or height < 4 then return work() end
  local held, count = {}, 0
  local pipe ---@type file|nil
  local interrupts = system.interrupt_raises(true)
  local function write(text)
    if pipe then
      if not pipe:write(text) then error(gone, 0) end
      return
    end
    held[#held + 1], count = text, count + lines_in(text)
    if count < height then return end
    io.stdout:flush()
    system.interrupt_raises(false) -- Ctrl-C is the pager's
    pipe = io.popen(program, 'w')
    for _, one in ipairs(held) do
      if not pipe:write(one) then error(gone, 0) end
    end
  end
  terminal.divert(write)
  local ok, err = pcall(work)
  terminal.divert(nil)
  if pipe then pipe:close() else terminal.out(table.concat(held)) end
  system.clear_stop()
  system.interrupt_raises(interrupts)
  if not ok and err ~= gone then error(err, 0) end
end

return pager
