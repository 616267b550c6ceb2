-- all.lua: the jobs of a scaffold together; those of live sources as a move.
local lua_text = require 'lugger.inner.scaffold.lua_text'
local terminal = require 'lugger.inner.view.terminal'

local all_jobs = {}

--- True for a collection of a live MongoDB.
---@param info lugger.source_info
---@return boolean
function all_jobs.is_live(info)
  return info.kind == 'mongodb'
end

--- True when all that is known of the sources is live: then they are moved, else they are run.
---@param list lugger.scaffold.list
---@return boolean
function all_jobs.are_live(list)
  for _, item in ipairs(list) do
    if not all_jobs.is_live(item.census.info) then return false end
  end
  for _, item in ipairs(list.beside) do
    if item.place ~= '' and not item.place:match '^mongodb[+%a]*://' then return false end
  end
  return #list > 0
end

--- Collections that others refer to by foreign keys come first, as far as possible.
---@param list lugger.scaffold.list
---@return lugger.scaffold.collection[]
function all_jobs.in_order(list)
  local by_name, done, out = {}, {}, {}
  for _, item in ipairs(list) do by_name[item.name] = item end
  local function add(item)
    if done[item.name] then return end
    done[item.name] = true
    for _, target in ipairs(item.targets or {}) do
      if by_name[target] then add(by_name[target]) end
    end
    if item.table then out[#out + 1] = item end
  end
  for _, item in ipairs(list) do add(item) end
  return out
end

--- The text of all.lua.
---@param list lugger.scaffold.list
---@param directory string
---@return string
function all_jobs.text(list, directory)
  local path, live = terminal.shell_quote(directory .. '/all.lua'), all_jobs.are_live(list)
  local lines = { lua_text.comment(('Every collection: lugger %s %s --create'):format(live and 'move' or 'run', path)),
    live and "return require('lugger').move { jobs = {" or 'return {' }
  for _, item in ipairs(list.beside) do lines[#lines + 1] = ('  require %s,'):format(lua_text.quote(item.module)) end
  for _, item in ipairs(all_jobs.in_order(list)) do
    lines[#lines + 1] = ('  require %s,'):format(lua_text.quote(item.module))
  end
  lines[#lines + 1] = live and '} }' or '}'
  return table.concat(lines, '\n') .. '\n'
end

return all_jobs
