-- Files written in pieces that appear as a whole or not at all.
local system = require('lugger.native').system

local whole_file = {}

--- Calls `produce` with a function that takes the text in pieces. The file gets its name when everything has been
--- written; after an error, an existing file is unchanged.
---@param path string
---@param produce fun(put: fun(text: string))
function whole_file.stream(path, produce)
  local file = system.whole_file(path)
  local ok, err = pcall(produce, function(text) file:write(text) end)
  if ok then ok, err = pcall(file.settle, file) end
  file:close()
  if not ok then error(err, 0) end
end

return whole_file
