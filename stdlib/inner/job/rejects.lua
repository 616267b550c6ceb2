-- The rejects of a job or task, as its ledger has them.
local json_value = require 'lugger.inner.base.json_value'
local methods = require 'lugger.inner.base.methods'
local places = require 'lugger.inner.cli.places'

local page = 500 -- rejects read at a time, because they contain whole documents

---@class lugger.reject: lugger.reject_record
---@field document lugger.doc|nil the document itself; nil when it was not kept (--redact)

---@class lugger.rejects
---@field package state lugger.native.state
---@field package job string
---@field package page lugger.reject_record[]
---@field package at integer
---@field package after integer
---@field package ended boolean
---@operator call: lugger.reject|nil
local rejects = {}

local module = {}

--- Calls `use` for each reject of a job, the oldest first, until it returns false.
---@param state lugger.native.state
---@param job string
---@param limit integer|nil
---@param use fun(reject: lugger.reject_record): boolean|nil
function module.each(state, job, limit, use)
  local after, left = 0, limit or math.huge --[[@as integer]]
  while left > 0 do
    local list = state:rejects(job, math.min(page, left), after)
    for _, reject in ipairs(list) do
      if use(reject) == false then return end
      after = tonumber(reject.reject) --[[@as integer]]
    end
    left = left - #list
    if #list < page then return end
  end
end

local function shown(reject)
  local text = reject.document
  reject.document = text ~= '' and json_value.stored(text) or nil
  return reject
end

-- No table, so that Lua's # asks this; see inner/job/find.lua.
local model = newproxy(true)
local meta = getmetatable(model)
local fields_of = setmetatable({}, { __mode = 'k' })
meta.__name, meta.lugger_methods = 'rejects', rejects
meta.__index = function(self, name)
  local field = fields_of[self][name]
  if field ~= nil then return field end
  return rejects[name]
end
meta.__newindex = function(self, name, v) fields_of[self][name] = v end
meta.__len = function(self) methods.refuse_loop(self, '#') end

--- The next one, so that `for reject in job:rejects()` goes over all of them.
function meta.__call(self)
  if self.at == #self.page then
    if self.ended then return nil end
    self.page, self.at = self.state:rejects(self.job, page, self.after), 0
    self.ended = #self.page < page
    if #self.page == 0 then return nil end
  end
  self.at = self.at + 1
  local reject = self.page[self.at]
  self.after = tonumber(reject.reject)
  return shown(reject)
end

function meta.__tostring(self)
  return ('%d rejects of %s'):format(self:count(), self.job)
end

--- How many there are.
---@return integer
function rejects:count()
  return tonumber(self.state:count_rejects(self.job)) --[[@as integer]]
end

--- The first of them as a list.
---@param limit integer|nil all when not given
---@return lugger.reject[]
function rejects:list(limit)
  local out = {}
  module.each(self.state, self.job, limit, function(reject) out[#out + 1] = shown(reject) end)
  return out
end

methods.check('rejects', rejects, meta)

--- The rejects of a job or task, for job:rejects.
---@param job lugger.job|lugger.task
---@return lugger.rejects
function module.of(job)
  local state = places.state_of(job)
  local self = newproxy(model) --[[@as lugger.rejects]]
  fields_of[self] = { state = state, job = job:name(), page = {}, at = 0, after = 0, ended = false }
  return self
end

return module
