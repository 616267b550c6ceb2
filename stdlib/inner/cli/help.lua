-- Help for names: functions and classes of the library, as text for a terminal.
local annotations = require 'lugger.inner.cli.annotations'
local terminal = require 'lugger.inner.view.terminal'

local help = {}

-- 1 for what is public and 2 for what is inner; nil for what nobody but the library itself calls.
local function rank(entry)
  return entry.public and 1 or entry.inner and 2 or nil
end

--- The entry of a class.
---@param name string "lugger.decimal"
---@return lugger.help.entry|nil
function help.class(name)
  for _, entry in ipairs(annotations.entries()) do
    if entry.kind == 'class' and entry.name == name then return entry end
  end
end

--- A class and those that it is made of, the nearest first.
---@param name string
---@return string[]
function help.line_of(name)
  local names, class = { name }, help.class(name)
  while class and class.parent and #names < 10 do
    names[#names + 1] = class.parent
    class = help.class(class.parent)
  end
  return names
end

-- What docs call an object whose class has another name.
local classes = { pg = 'db' }

-- The full names that a name may mean, with dots alone: "pg:each" is lugger.db.each, and "db:batches" one of a class
-- that is made of lugger.db.
local function meanings(name)
  local wanted = name:gsub('%(.*$', ''):gsub(':', '.'):gsub('^lugger%.', '')
  local names = { [wanted] = true, ['lugger.' .. wanted] = true }
  local holder, member = wanted:match '^([%w_]+)(%.[%w_]+)$'
  if not holder then return names end
  local class = 'lugger.' .. (classes[holder] or holder)
  for _, one in ipairs(help.line_of(class)) do names[one .. member] = true end
  for _, entry in ipairs(annotations.entries()) do
    if entry.kind == 'class' and entry.parent == class then names[entry.name .. member] = true end
  end
  return names
end

--- The entries of a name, public ones first: "lugger.copy", "copy", "job:run", "job.run"; with `loosely` also "run" for
--- "job:run".
---@param name string
---@param loosely boolean|nil
---@return lugger.help.entry[]
function help.all(name, loosely)
  local wanted, names, found = name:gsub('%(.*$', ''), meanings(name), {}
  for _, entry in ipairs(annotations.entries()) do
    local full = names[entry.name:gsub(':', '.')]
    if rank(entry) and (full or loosely and entry.name:match '[%.:]([%w_]+)$' == wanted) then
      local order = rank(entry) + (full and 0 or 2) + (entry.kind == 'class' and 0.5 or 0)
      found[#found + 1] = { entry = entry, order = order }
    end
  end
  table.sort(found, function(a, b)
    if a.order ~= b.order then return a.order < b.order end
    return a.entry.name < b.entry.name
  end)
  for i, one in ipairs(found) do found[i] = one.entry end
  return found
end

--- The first entry of a name, public before inner.
---@param name string
---@param loosely boolean|nil
---@return lugger.help.entry|nil
function help.find(name, loosely)
  return help.all(name, loosely)[1]
end

local function item(lines, name, kind, text)
  local head = '  ' .. name .. (kind ~= '' and ': ' .. kind or '')
  if #head > terminal.width() then head = terminal.wrap(head, '      '):gsub('^    ', '') end
  if text == '' then
    lines[#lines + 1] = head
  elseif #head + #text + 2 <= terminal.width() then
    lines[#lines + 1] = head .. '  ' .. text
  else
    lines[#lines + 1] = head
    lines[#lines + 1] = terminal.wrap(text, '        ')
  end
end

--- The fields of a class, with those of the classes it is made of.
---@param name string
---@return { name: string, type: string, text: string }[]
function help.fields(name)
  local fields = {}
  for _, one in ipairs(help.line_of(name)) do
    local class = help.class(one)
    for _, field in ipairs(class and class.fields or {}) do fields[#fields + 1] = field end
  end
  return fields
end

--- The first sentence of an entry.
---@param entry lugger.help.entry
---@return string
function help.sentence(entry)
  local text = entry.text:gsub('\n', ' ')
  return text:match '^.-%.%f[%s%z]' or text
end

local signs = { add = 'a + b', sub = 'a - b', mul = 'a * b', div = 'a / b', mod = 'a % b', pow = 'a ^ b', unm = '-a',
  concat = 'a .. b', len = '#a', call = 'a(b)' }

-- The methods of a class, each with its first sentence, and its operators.
local function class_lines(name, lines)
  for _, one in ipairs(help.line_of(name)) do
    for _, entry in ipairs(annotations.entries()) do
      local method = entry.name:sub(1, #one + 1) == one .. ':' and entry.signature:sub(#one + 1)
      if method and not entry.inner then item(lines, method, '', help.sentence(entry)) end
    end
  end
  local class = help.class(name)
  for _, one in ipairs(class and class.operators or {}) do
    local sign = signs[one.name] or one.name
    local of = one.type ~= '' and one.type ~= 'any' and ', b: ' .. one.type or ''
    item(lines, sign .. of, '', '-> ' .. one.result)
  end
end

-- The fields of a class that an argument is of, such as the spec of lugger.copy.
local function fields_of(kind)
  local name = kind:match('^[%w_%.]+')
  return name and name:find('.', 1, true) and help.fields(name) or {}
end

--- An entry as text for a terminal.
---@param entry lugger.help.entry
---@return string
function help.render(entry)
  local lines = { entry.signature, '' }
  -- Joins lines of prose. Indented lines, such as code, are kept.
  local prose ---@type string|nil
  for line in (entry.text .. '\n\n'):gmatch('(.-)\n') do
    if line:match '^%s*$' or line:match '^%s' then
      if prose then lines[#lines + 1] = terminal.wrap(prose) end
      prose = nil
      if line ~= '' then lines[#lines + 1] = line end
    else
      prose = prose and prose .. ' ' .. line or line
    end
  end
  if #entry.params > 0 then lines[#lines + 1] = '' end
  for _, param in ipairs(entry.params) do
    item(lines, param.name, param.type, param.text)
    for _, field in ipairs(fields_of(param.type)) do
      if field.name:find '^[%a_]' then item(lines, '  ' .. field.name, field.type, field.text) end
    end
  end
  for _, field in ipairs(entry.kind == 'class' and help.fields(entry.name) or entry.fields) do
    item(lines, field.name, field.type, field.text)
  end
  if entry.kind == 'class' then class_lines(entry.name, lines) end
  for _, result in ipairs(entry.returns) do item(lines, '-> ' .. result.type, '', result.text) end
  return table.concat(lines, '\n')
end

--- The help of a name as text: its first entry, and the names of the others.
---@param name string
---@param loosely boolean|nil
---@return string|nil
function help.text(name, loosely)
  local found, others = help.all(name, loosely), {}
  local first = found[1]
  if not first then return nil end
  for i = 2, #found do others[#others + 1] = found[i].name end
  local text = help.render(first)
  if #others > 0 then text = text .. '\n\n' .. terminal.wrap('also: ' .. table.concat(others, ', ')) end
  return text
end

--- Entries that speak of a word, public ones before inner ones: those with the word in their name first.
---@param word string
---@return lugger.help.entry[]
function help.apropos(word)
  local found, wanted = {}, word:lower()
  for _, entry in ipairs(annotations.entries()) do
    local level = rank(entry)
    local named = entry.name:lower():find(wanted, 1, true)
    if level and (named or entry.text:lower():find(wanted, 1, true)) then
      found[#found + 1] = { entry = entry, order = level * 2 + (named and 0 or 1) }
    end
  end
  table.sort(found, function(a, b)
    if a.order ~= b.order then return a.order < b.order end
    return a.entry.name < b.entry.name
  end)
  for i, one in ipairs(found) do found[i] = one.entry end
  return found
end

return help
