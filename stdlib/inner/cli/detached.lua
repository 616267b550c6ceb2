-- --detach: the command goes on when the terminal closes.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local detached = {}

--- Goes on without the terminal, in another process; what it tells goes to a file that is named.
---@param args table
function detached.go(args)
  if args.script == '-' then config.raise('--detach cannot read the script from standard input') end
  local base = args.script:match('([^/]+)$'):gsub('%.lua$', ''):gsub('[^%w_%-]', '_')
  system.make_dir('.lugger')
  local log = ('%s/.lugger/%s-%s.log'):format(system.cwd(), base, os.date('!%Y%m%d-%H%M%S'))
  terminal.say('goes on without the terminal; progress and summary go to\n  ', log)
  terminal.say('how far it is: lugger runs ', args.script)
  terminal.say('to pause or stop it (resumable): lugger ctl')
  io.stderr:flush()
  local pid = system.detach(log)
  terminal.say('lugger process ', pid)
end

return detached
