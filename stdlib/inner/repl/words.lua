-- Messages speak of flags and commands of a shell. At the prompt these are options of job:run and methods.
local words = {}

local switches = { create = true, ['dry-run'] = true, restart = true, again = true, ['accept-changes'] = true,
  join = true, redact = true, force = true } ---@type table<string, boolean|nil>
local stages = { load = true, index = true, constrain = true }
local valued = { stage = "'%s'", limit = '%s', jobs = '%s', window = "'%s'" }

-- The option that stands at the beginning of the text, as Lua, and where the text goes on.
local function option_at(text, at)
  local flag, stop = text:match('^%-%-([%a%-]+)()', at)
  if not flag then return nil end
  local key = flag:gsub('%-', '_')
  if switches[flag] then return key .. ' = true', stop end
  local value, behind = text:match('^[ =](%w+)()', stop)
  local fits = value and valued[flag] and (stages[value] ~= nil) == (flag == 'stage')
  if fits then return key .. ' = ' .. valued[flag]:format(value), behind end
  return valued[flag] and key or nil, stop, valued[flag] ~= nil
end

-- `--restart --create` -> job:run { restart = true, create = true }
local function options(text)
  local out, at = {}, 1
  while true do
    local first = text:find('%f[%-]%-%-%a', at)
    if not first then break end
    local list, stop, bare = {}, first, false
    repeat
      local option, behind, without_value = option_at(text, stop)
      if option then list[#list + 1], stop, bare = option, behind, bare or without_value == true end
      local more = option and text:match('^ ()%-%-%a', stop)
      if more then stop = more end
    until not more
    out[#out + 1] = text:sub(at, first - 1)
    if #list == 0 then
      out[#out + 1], stop = text:sub(first, first + 1), first + 2
    else
      local inside = table.concat(list, ', ')
      out[#out + 1] = bare and inside or ('job:run { %s }'):format(inside)
    end
    at = stop
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

local function of_line(line)
  line = line:gsub(', or give %-%-from', ", or name the place: source 'PLACE'")
  line = line:gsub(', or give %-%-into', ", or name the place: target('PLACE', { table = 'NAME' }), pg.use 'PLACE'")
  line = line:gsub('`lugger preflight`', 'job:preflight()'):gsub('`lugger verify`', 'job:verify()')
  line = line:gsub('(`lugger [^`]+`)', '%1 (in a shell)')
  if line:find '%f[%w]lugger %l+ .*%-%-' then return line end -- a command to be typed in a shell
  return options(line)
end

--- A message in the words of the prompt.
---@param text string
---@return string
function words.of_prompt(text)
  return (text:gsub('[^\n]+', of_line))
end

return words
