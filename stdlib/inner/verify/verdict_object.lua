-- Verdicts as scripts have them: they print as the command shows them, and lists without elements stay lists in JSON.
local document = require 'lugger.inner.base.document'

local meta = { __name = 'verdict' }

function meta.__tostring(self)
  return require('lugger.inner.verify.verdict_view').sentence(self)
end

local lists = { 'altered', 'notes', 'reasons', 'rows', 'tables', 'warnings' }

--- Makes a verdict of what native.verify tells.
---@param found table
---@return lugger.verdict
return function(found)
  for _, name in ipairs(lists) do document.array(found[name]) end
  for _, one in ipairs(found.tables) do
    document.array(one.columns)
    document.array(one.left_out)
  end
  return setmetatable(found, meta)
end
