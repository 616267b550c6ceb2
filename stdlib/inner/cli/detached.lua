-- --detach: the command goes on when the terminal closes.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local detached = {}

local most_bytes = 8 * 1024 * 1024 -- of the output; as much again is kept of what came before
local log_path ---@type string|nil where the output of this process goes

--- Goes on without the terminal, in another process; what it tells goes to a file that is named.
---@param args table
function detached.go(args)
  if args.script == '-' then config.raise('--detach cannot read the script from standard input') end
  local base = args.script:match('([^/]+)$'):gsub('%.lua$', ''):gsub('[^%w_%-]', '_')
  system.make_dir('.lugger')
  local log = ('%s/.lugger/%s-%s.log'):format(system.cwd(), base, os.date('!%Y%m%d-%H%M%S'))
  terminal.say('goes on without the terminal; progress and summary go to\n  ', log)
  terminal.say('how far it is: lugger runs ', args.script)
  terminal.say('to pause or stop it (it can be resumed): lugger ctl')
  io.stderr:flush()
  local pid = system.detach(log)
  log_path = log
  terminal.say(('lugger process %d; to stop it (it can be resumed): kill %d'):format(pid, pid))
end

--- Begins the output of a process without a terminal anew when it is large; what came before has `.1` at its end.
function detached.keep_small()
  if log_path then system.rotate_log(log_path, most_bytes) end
end

return detached
