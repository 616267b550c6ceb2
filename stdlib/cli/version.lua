-- lugger version
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'

return {
  summary = 'Show the version.',
  run = function()
    terminal.line('lugger ', native.version)
    return 0
  end,
}
