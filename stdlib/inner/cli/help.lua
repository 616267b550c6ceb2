-- The LuaCATS comments of the standard library: what help() shows and docs/api.md is made of.
local codec = require 'lugger.inner.base.codec'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'

local help = {}

---@class lugger.help.entry
---@field name string "lugger.copy", "job:run"
---@field signature string
---@field text string
---@field params { name: string, type: string, text: string }[]
---@field returns { type: string, text: string }[]
---@field fields { name: string, type: string, text: string }[] of a class
---@field kind "function"|"class"
---@field file string
---@field line integer where it is defined
---@field module string|nil that defines it, as `require` knows it
---@field public boolean scripts may use it

-- A type may hold spaces inside brackets: `table<string, any>`, `{ [1]: string }`, `fun(a: b): c`.
local function split_type(text)
  local depth, i = 0, 1
  while i <= #text do
    local char = text:sub(i, i)
    if char:find('[%(<{%[]') then depth = depth + 1 end
    if char:find('[%)>}%]]') then depth = depth - 1 end
    if char == ' ' and depth == 0 and not text:sub(i - 1, i - 1):find('[:|,]') and not text:sub(i + 1,
        i + 1):find('[|]') then
      return text:sub(1, i - 1), (text:sub(i + 1):gsub('^%s+', ''))
    end
    i = i + 1
  end
  return text, ''
end

local function empty_entry()
  return { text = {}, params = {}, returns = {}, fields = {} }
end

local function read_tag(entry, tag, rest)
  if tag == 'param' then
    local name, more = rest:match('^(%S+)%s*(.*)$')
    local kind, text = split_type(more or '')
    table.insert(entry.params, { name = name, type = kind, text = text })
  elseif tag == 'return' then
    local kind, text = split_type(rest)
    table.insert(entry.returns, { type = kind, text = text })
  elseif tag == 'field' then
    local name, more = rest:match('^(%b[])%s*(.*)$')
    if not name then name, more = rest:match('^(%S+)%s*(.*)$') end
    local kind, text = split_type(more or '')
    table.insert(entry.fields, { name = name, type = kind, text = text })
  elseif tag == 'class' then
    entry.class = rest:match('^%S+'):gsub(':$', '')
  elseif tag == 'private' or tag == 'meta' then
    entry.hidden = true
  end
end

local function named_by(line)
  local name, arguments = line:match('^function%s+([%w_%.:]+)%s*(%b())')
  if name then return name, arguments end
  name, arguments = line:match('^([%w_%.]+)%s*=%s*function%s*(%b())')
  if name then return name, arguments end
  local original
  name, original = line:match('^([%w_]+%.[%w_]+)%s*=%s*([%w_]+%.[%w_]+)%s*$')
  return name, '', original
end

-- The module name of a file, for `require`; nil for files that only annotate native functions.
local function module_of(file)
  local path = file:gsub('%.lua$', ''):gsub('^inner/', 'lugger/inner/')
  return path:match('^lugger') and path:gsub('/', '.') or nil
end

local function close(entry, line, file, aliases, list, number)
  local name, arguments, original = named_by(line)
  entry.text = table.concat(entry.text, '\n'):gsub('^%s+', ''):gsub('%s+$', '')
  entry.file, entry.line = file, number
  if entry.class and (not name) then
    entry.kind, entry.name, entry.signature = 'class', entry.class, entry.class
    local variable = line:match('^local%s+([%w_]+)%s*=') or line:match('^([%w_%.]+)%s*=')
    if variable then aliases[variable] = entry.class end
    if entry.text ~= '' or #entry.fields > 0 then list[#list + 1] = entry end
    return
  end
  if not name or entry.hidden or (entry.text == '' and #entry.params == 0 and not original) then return end
  local head, tail = name:match('^([%w_]+)([%.:].*)$')
  if not head then return end
  entry.kind = 'function'
  entry.name = (aliases[head] or (head ~= 'native' and module_of(file)) or head) .. tail
  entry.signature = entry.name .. arguments
  entry.original = original and original:gsub('^[%w_]+', aliases)
  list[#list + 1] = entry
end

--- Reads the documented functions and classes of one Lua source.
---@param text string
---@param file string
---@return lugger.help.entry[]
function help.parse(text, file)
  local list, aliases, entry, number = {}, {}, nil, 0
  for line in (text .. '\n'):gmatch('(.-)\n') do
    number = number + 1
    local variable, module = line:match "^local ([%w_]+) = require '(lugger[%w_.]*)'$"
    if variable then aliases[variable] = module end
    local tag, rest = line:match('^%-%-%-%s?@(%w+)%s*(.*)$')
    local words = not tag and line:match('^%-%-%-%s?(.*)$')
    if tag or words then
      entry = entry or empty_entry()
      if tag then read_tag(entry, tag, rest) else table.insert(entry.text, words) end
    elseif entry or line:match '^lugger%.[%w_]+ = [%w_]+%.[%w_]+$' then
      close(entry or empty_entry(), line, file, aliases, list, number)
      entry = nil
    end
  end
  return list
end

local cache

-- `lugger.skip = action.skip` has the arguments of the original, and its text unless it has its own.
local function complete_originals(list)
  for _, entry in ipairs(list) do
    for _, other in ipairs(entry.original and list or {}) do
      if other.name == entry.original then
        if entry.text == '' then entry.text = other.text end
        entry.signature = entry.name .. other.signature:match('%b()$')
        entry.params, entry.returns = other.params, other.returns
      end
    end
  end
end

-- Classes that users see although no function returns them: in pcall, in files that commands read, in documents.
local met = { 'lugger.error', 'lugger.migration', 'lugger.query_pair', 'lugger.typed' }

-- Classes that a type names: `fun(row: lugger.row): any`, `lugger.job[]`.
local function classes_in(entry)
  local names = {}
  for _, list in ipairs { entry.params, entry.returns, entry.fields } do
    for _, item in ipairs(list) do
      for name in item.type:gmatch 'lugger%.[%w_%.]*[%w_]' do names[#names + 1] = name end
    end
  end
  return names
end

-- Public are the members of public modules, and the classes that these take or return, with their methods.
local function mark_public(list)
  local by_class, waiting = {}, { unpack(met) }
  local function publish(entry)
    entry.public = true
    for _, name in ipairs(classes_in(entry)) do waiting[#waiting + 1] = name end
  end
  for _, entry in ipairs(list) do
    local class = entry.kind == 'class' and entry.name or entry.name:match '^(.*):' or ''
    by_class[class] = by_class[class] or {}
    table.insert(by_class[class], entry)
    if entry.module and not entry.module:match '^lugger%.inner%.' then publish(entry) end
  end
  while #waiting > 0 do
    local name = table.remove(waiting)
    for _, entry in ipairs(by_class[name] or {}) do publish(entry) end
    by_class[name] = nil
  end
end

--- Every documented function and class of the embedded library, by name.
---@return lugger.help.entry[]
function help.entries()
  if cache then return cache end
  cache = {}
  for _, name in ipairs(native.embedded_names('')) do
    local module = module_of(name)
    local ours = module or name:match('^meta/.*%.lua$')
    for _, entry in ipairs(ours and help.parse(native.embedded(name), name) or {}) do
      entry.module, entry.public = module, false
      cache[#cache + 1] = entry
    end
  end
  table.sort(cache, function(a, b)
    if a.name ~= b.name then return a.name < b.name end
    return a.kind == 'function' and b.kind == 'class'
  end)
  complete_originals(cache)
  mark_public(cache)
  return cache
end

--- The public entry of a name: "lugger.copy", "copy", "job:run"; with `loosely` also "run" for "job:run".
---@param name string
---@param loosely boolean|nil
---@return lugger.help.entry|nil
function help.find(name, loosely)
  local wanted = name:gsub('%(.*$', '')
  for _, form in ipairs { wanted, 'lugger.' .. wanted } do
    for _, entry in ipairs(help.entries()) do
      if entry.public and entry.name == form then return entry end
    end
  end
  for _, entry in ipairs(loosely and help.entries() or {}) do
    if entry.public and entry.name:match('[%.:]([%w_]+)$') == wanted then return entry end
  end
  return nil
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

-- The fields of a class that an argument is of, such as the spec of lugger.copy.
local function fields_of(kind)
  local name = kind:match('^[%w_%.]+')
  for _, entry in ipairs(name and name:find('.', 1, true) and help.entries() or {}) do
    if entry.kind == 'class' and entry.name == name then return entry.fields end
  end
  return {}
end

--- An entry as text for a terminal.
---@param entry lugger.help.entry
---@return string
function help.render(entry)
  local lines = { entry.signature, '' }
  -- Joins lines of prose. Indented lines, such as code, are kept.
  local prose
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
    for _, field in ipairs(fields_of(param.type)) do item(lines, '  ' .. field.name, field.type, field.text) end
  end
  for _, field in ipairs(entry.fields) do item(lines, field.name, field.type, field.text) end
  for _, result in ipairs(entry.returns) do item(lines, '-> ' .. result.type, '', result.text) end
  return table.concat(lines, '\n')
end

local function path_of(value)
  local seen = {}
  local function search(holder, prefix, depth)
    if seen[holder] or depth > 2 then return nil end
    seen[holder] = true
    for key, member in pairs(holder) do
      if rawequal(member, value) and type(key) == 'string' then return prefix .. key end
    end
    for key, member in pairs(holder) do
      if type(member) == 'table' and type(key) == 'string' then
        local found = search(member, prefix .. key .. '.', depth + 1)
        if found then return found end
      end
    end
  end
  local roots = {}
  for name in pairs(package.loaded) do
    if type(name) == 'string' and name:match('^lugger') then roots[#roots + 1] = name end
  end
  table.sort(roots, function(a, b) return #a < #b or (#a == #b and a < b) end)
  for _, name in ipairs(roots) do
    if type(package.loaded[name]) == 'table' then
      local found = search(package.loaded[name], name .. '.', 0)
      if found then return found end
    end
  end
end

-- Methods are not in the table of a module, but a function knows the line where it is defined.
local function defined_at(value)
  value = methods.written(value)
  local info = type(value) == 'function' and debug.getinfo(value, 'S')
  local file = info and info.source:match('^@(lugger.*)$')
  file = file and file:gsub('^lugger/inner/', 'inner/')
  for _, entry in ipairs(file and help.entries() or {}) do
    if entry.file == file and entry.line == info.linedefined then return entry end
  end
end

-- The entries of the methods of an object. Values are FFI's objects: their class goes by their type.
local function method_entries(value)
  local found = {}
  if type(value) == 'cdata' then
    local kind = codec.type(value)
    local class = 'lugger.' .. ((kind == 'document' or kind == 'array') and 'doc' or kind) .. ':'
    for _, entry in ipairs(help.entries()) do
      if entry.name:sub(1, #class) == class then found[#found + 1] = entry end
    end
    return found
  end
  local meta = type(value) == 'table' and getmetatable(value)
  local holder = type(meta) == 'table' and meta.__index
  for _, member in pairs(type(holder) == 'table' and holder or {}) do found[#found + 1] = defined_at(member) end
  return found
end

-- What an object can do: its methods with their first sentences.
local function methods_of(value)
  local lines = {}
  for _, entry in ipairs(method_entries(value)) do
    local sentence = entry.text:gsub('\n', ' '):match '^.-%.%f[%s%z]' or entry.text:gsub('\n', ' ')
    lines[#lines + 1] = entry.signature .. '\n' .. terminal.wrap(sentence, '    ')
  end
  table.sort(lines)
  return #lines > 0 and table.concat(lines, '\n') or nil
end

--- Help for a function, a module or a name, as text.
---@param value any
---@return string|nil
function help.of(value)
  local name = type(value) == 'string' and value or path_of(value)
  local entry = name and help.find(name)
  entry = entry or defined_at(value)
  if not entry and type(value) ~= 'string' and name then entry = help.find(name:match('[%w_]+$'), true) end
  if entry then return help.render(entry) end
  local members = methods_of(value)
  if members then return members end
  if type(value) == 'table' then
    local names = {}
    for key, member in pairs(value) do
      if type(key) == 'string' and type(member) == 'function' then names[#names + 1] = key end
    end
    table.sort(names)
    return #names > 0 and terminal.wrap('functions: ' .. table.concat(names, ', ')) or nil
  end
end

return help
