-- Help for values: what a value is, its methods, fields and operators; modules; functions, by where they are defined.
local annotations = require 'lugger.inner.cli.annotations'
local codec = require 'lugger.inner.base.codec'
local ffi = require 'ffi'
local help = require 'lugger.inner.cli.help'
local marks = require 'lugger.inner.base.marks'
local methods = require 'lugger.inner.base.methods'
local null = require('lugger.inner.base.value').null
local terminal = require 'lugger.inner.view.terminal'
local value_text = require 'lugger.inner.view.value_text'

local help_value = {}

-- The tables of a metatable that __index gives members from; nothing of the value is called.
local function holder_of(value)
  local meta = (type(value) == 'table' or type(value) == 'userdata') and debug.getmetatable(value)
  local holder = type(meta) == 'table' and (rawget(meta, 'lugger_methods') or rawget(meta, '__index'))
  return type(holder) == 'table' and holder or nil
end

-- Methods are not in the table of a module, but a function knows the line where it is defined.
local function defined_at(value)
  value = methods.written(value)
  local info = type(value) == 'function' and debug.getinfo(value, 'S')
  local file = info and info.source:match '^@(lugger.*)$'
  local line = info and info.linedefined
  file = file and file:gsub('^lugger/inner/', 'inner/')
  for _, entry in ipairs(file and annotations.entries() or {}) do
    if entry.file == file and entry.line == line then return entry end
  end
end

local function search(holder, value, prefix, seen, depth)
  if seen[holder] or depth > 2 then return nil end
  seen[holder] = true
  for key, member in next, holder do
    if rawequal(member, value) and type(key) == 'string' then return prefix .. key end
  end
  for key, member in next, holder do
    local found = type(member) == 'table' and type(key) == 'string' and key ~= '_G' and key ~= 'loaded'
      and search(member, value, prefix .. key .. '.', seen, depth + 1)
    if found then return found end
  end
end

-- Where a value stands: "lugger.copy", "string.format", "lugger.schema".
local function path_of(value)
  local roots = {}
  for name, module in next, package.loaded do
    if type(name) == 'string' and name ~= '_G' and type(module) == 'table' then
      if rawequal(module, value) then return name end
      roots[#roots + 1] = name
    end
  end
  table.sort(roots, function(a, b) return #a < #b or (#a == #b and a < b) end)
  for _, name in ipairs(roots) do
    local found = search(package.loaded[name], value, name .. '.', {}, 0)
    if found then return found end
  end
  return search(_G, value, '', {}, 2)
end

-- Values of C have no table of their own: their class goes by their type.
local classes = { document = 'doc', array = 'doc' }
local shown_as = { int64 = "an exact 64-bit integer: lugger.int64 '9007199254740993', 5LL" }

--- The class of a value: "lugger.decimal"; nil for plain values.
---@param value any
---@return string|nil class
---@return string|nil word for a value of C
function help_value.class(value)
  if type(value) == 'cdata' then
    local ok, kind = pcall(codec.type, value)
    if tostring(ffi.typeof(value)):find('lug_script_batch', 1, true) then ok, kind = true, 'batch' end
    kind = ok and (classes[kind] or kind) or 'typed'
    local is_class = help.class('lugger.' .. kind) ~= nil
    return is_class and 'lugger.' .. kind or not shown_as[kind] and 'lugger.typed' or nil, kind
  end
  local holder, counts = holder_of(value), {}
  local meta = type(value) == 'table' and getmetatable(value)
  if type(meta) == 'table' and rawget(meta, 'lugger_columns') then return 'lugger.sql_row' end
  for _ = 1, 3 do
    for _, member in next, holder or {} do
      local entry = defined_at(member)
      local class = entry and entry.name:match '^(.*):'
      if class then counts[class] = (counts[class] or 0) + 1 end
    end
    holder = holder and holder_of(holder)
  end
  local most
  for class, count in pairs(counts) do
    if not most or count > counts[most] or (count == counts[most] and class < most) then most = class end
  end
  local named = type(meta) == 'table' and type(rawget(meta, '__name')) == 'string' and 'lugger.' .. meta.__name
  return most or named and help.class(named) and named or nil
end

local function of_class(name, made)
  local class = help.class(name) or { signature = name, name = name, kind = 'class', text = '', params = {},
    fields = {}, returns = {}, operators = {}, file = '', line = 0, public = false, inner = false }
  local lines = { help.render(class) }
  if made then lines[#lines + 1] = '\n' .. terminal.wrap('made by ' .. made) end
  return table.concat(lines)
end

local function member_list(holder, title)
  local names = {}
  for key, member in next, holder do
    if type(key) == 'string' and type(member) == 'function' then names[#names + 1] = key end
  end
  table.sort(names)
  return #names > 0 and terminal.wrap(title .. table.concat(names, ', ')) or nil
end

-- A module: its functions with their first sentences.
local function of_module(name)
  local lines, depth = {}, select(2, name:gsub('%.', ''))
  for _, entry in ipairs(annotations.entries()) do
    local of_it = entry.kind == 'function' and entry.public and entry.name:sub(1, #name + 1) == name .. '.'
    if of_it and select(2, entry.name:gsub('%.', '')) == depth + 1 and not entry.name:find ':' then
      lines[#lines + 1] = entry.signature .. '\n' .. terminal.wrap(help.sentence(entry), '    ')
    end
  end
  if #lines == 0 then return nil end
  local class = help.class(name)
  return (class and class.text ~= '' and class.text .. '\n\n' or '') .. table.concat(lines, '\n')
    .. "\n\nhelp(FUNCTION) tells all about one of them"
end

--- The entry of a function.
---@param value function
---@return lugger.help.entry|nil
function help_value.entry(value)
  local path = path_of(value)
  return path and help.find(path) or defined_at(value)
end

local function of_function(value, path)
  local entry = help_value.entry(value)
  if entry and (entry.public or entry.inner) then return help.render(entry) end
  if path and not path:find '^lugger%f[%.%z]' then
    return ('%s is a function of Lua 5.1 (LuaJIT): www.lua.org/manual/5.1'):format(path)
  end
  local info, names = assert(debug.getinfo(value, 'Su')), {}
  if info.what == 'C' then return 'a function of the runtime' end
  for i = 1, info.nparams or 0 do names[i] = debug.getlocal(value, i) or '?' end
  if info.isvararg then names[#names + 1] = '...' end
  return ('function(%s), defined at %s:%d'):format(table.concat(names, ', '), info.short_src:gsub('^%[string "(.*)"%]$',
    '%1'), info.linedefined)
end

local function of_plain_table(value)
  local mark, names, count = marks.mark(value), {}, 0
  for key in next, value do
    count = count + 1
    if type(key) == 'string' and #names < 20 then names[#names + 1] = key end
  end
  table.sort(names)
  local what = mark and ('%s of lugger.%s: a table that is stored as %s'):format(mark == 'array' and 'an array'
    or 'a document', mark, mark == 'array' and 'an array, also when it is empty' or 'a document, in its order of names')
    or 'a table'
  local elements = #value > 0 and (', %s'):format(terminal.count(#value, 'element')) or ''
  local fields = #names > 0 and (', with the keys %s%s'):format(table.concat(names, ', '), count > #value + #names
    and ', ...' or '') or ''
  local text = terminal.wrap(what .. elements .. fields)
  local functions = member_list(value, 'functions: ')
  return functions and text .. '\n' .. functions or text
end

local plain_types = {
  ['nil'] = 'nil: no value. A field that is missing, and NULL in rows, are nil; null in a document is lugger.null',
  boolean = 'a boolean: true or false',
  number = "a number of Lua, a double: whole numbers are exact up to 2^53; lugger.int64 and lugger.decimal go further. "
    .. "help 'lua-values' tells what the types do",
  thread = 'a coroutine of Lua',
} ---@type table<string, string|nil>

local function of_userdata(value)
  if rawequal(value, null) then
    return "lugger.null: null in a document. v == lugger.null tells it; NULL in rows is nil. help 'lua-values'"
  end
  local class = help_value.class(value)
  if class then return of_class(class) end
  local meta = debug.getmetatable(value)
  local holder = type(meta) == 'table' and rawget(meta, '__index')
  local members = type(holder) == 'table' and member_list(holder, 'methods: ')
  return 'an object of the runtime' .. (members and '\n' .. members or '')
end

local function constructor_of(class)
  local name = class:match '^lugger%.([%w_]+)$'
  local entry = name and help.find('lugger.' .. name)
  return entry and entry.kind == 'function' and entry.signature or nil
end

-- What the class of a module says of one of its fields: "lugger.remove".
local function field_text(path)
  local holder, name = path:match '^(.*)%.([%w_]+)$'
  local class = holder and help.class(holder)
  for _, field in ipairs(class and class.fields or {}) do
    if field.name == name then return field.text end
  end
end

local function of_table(value)
  local path = path_of(value)
  local module = path and of_module(path)
  if module then return module end
  local entry = path and help.find(path)
  if entry then return help.render(entry) end
  local class = help_value.class(value)
  if class then return of_class(class) end
  if path then return path .. ': ' .. (field_text(path) or member_list(value, 'functions: ') or 'a table') end
  return of_plain_table(value)
end

--- Help for any value, as text.
---@param value any
---@return string
function help_value.of(value)
  local kind = type(value)
  if plain_types[kind] then return plain_types[kind] end
  if kind == 'string' then return help.text(value) or 'text: ' .. value_text.quote(value) end
  if kind == 'function' then return of_function(value, path_of(value)) end
  if kind == 'userdata' then return of_userdata(value) end
  if kind == 'table' then return of_table(value) end
  local class, word = help_value.class(value)
  return class and of_class(class, constructor_of(class)) or shown_as[word]
end

return help_value
