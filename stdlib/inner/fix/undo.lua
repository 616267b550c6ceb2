-- The undo of a fix: restores the rows that nobody has changed since.
local clock = require 'lugger.inner.base.clock'
local duration = require 'lugger.inner.base.duration'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'

---@class lugger.undo_options
---@field where string|nil
---@field retention string|nil
---@field batch_rows integer|nil
---@field resume_command string|nil

---@class lugger.undo
---@field package run string
---@field package target { place: string, options: table }
---@field package options lugger.undo_options
local undo = {}
local undo_meta = { __index = undo, __name = 'undo', __tostring = function(self) return self:name() end }

--- Its name, which identifies it in the ledger.
---@return string
function undo:name()
  return 'undo ' .. self.run
end

--- Starts it; the caller polls.
---@param settings lugger.fix_settings|nil
---@return lugger.native.fix_run
function undo:start(settings)
  return native.undo({
    run = self.run, target = self.target, where = self.options.where, batch_rows = self.options.batch_rows,
    retention_s = duration.seconds(self.options.retention or '30d', 'retention'),
    resume_command = self.options.resume_command, now = clock.text(),
  }, settings or {})
end

methods.check('undo', undo, undo_meta)

local module = {}

--- Makes the undo of a run in a target.
---@param run string its whole id
---@param target { place: string, options: table|nil }
---@param options lugger.undo_options|nil
---@return lugger.undo
function module.new(run, target, options)
  return setmetatable({ run = run, target = { place = target.place, options = target.options or {} },
    options = options or {} }, undo_meta)
end

return module
