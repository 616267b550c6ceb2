-- The LuaCATS comments of the standard library: what help() shows and docs/api.md is made of.
local native = require 'lugger.native'

local annotations = {}

---@class lugger.help.entry
---@field name string "lugger.copy", "job:run"
---@field signature string
---@field text string
---@field params { name: string, type: string, text: string }[]
---@field returns { type: string, text: string }[]
---@field fields { name: string, type: string, text: string }[] of a class
---@field operators { name: string, type: string, result: string }[] of a class: "add", "lugger.decimal|number"
---@field parent string|nil the class whose fields and methods a class has too
---@field kind "function"|"class"
---@field file string
---@field line integer where it is defined
---@field module string|nil that defines it, as `require` knows it
---@field ["public"] boolean scripts may use it
---@field inner boolean for developers: it is reached from what is public, and is none of a script's business

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
  return { text = {}, params = {}, returns = {}, fields = {}, operators = {} }
end

-- What no script may read.
local hidden_scopes = { private = true, protected = true, package = true }

local function read_tag(entry, tag, rest)
  if tag == 'param' then
    local name, more = rest:match('^(%S+)%s*(.*)$')
    local kind, text = split_type(more or '')
    table.insert(entry.params, { name = name, type = kind, text = text })
  elseif tag == 'return' then
    local kind, text = split_type(rest)
    table.insert(entry.returns, { type = kind, text = text })
  elseif tag == 'field' and not hidden_scopes[rest:match '^(%a+)%s' or ''] then
    local name, more = rest:match('^(%b[])%s*(.*)$')
    if not name then name, more = rest:match('^(%S+)%s*(.*)$') end
    local kind, text = split_type(more or '')
    table.insert(entry.fields, { name = name, type = kind, text = text })
  elseif tag == 'class' then
    entry.class = rest:match('^%S+'):gsub(':$', '')
    entry.parent = rest:match '^%S+%s*:%s*(lugger%.[%w_%.]+)'
    local behind = rest:match '^[%w_%.]+%s+([^:%s].*)$'
    if behind then table.insert(entry.text, behind) end
  elseif tag == 'operator' then
    local name, kind, result = rest:match '^(%w+)%(?([^%)]*)%)?:%s*(%S+)'
    table.insert(entry.operators, { name = name, type = kind, result = result })
  elseif tag == 'internal' then
    entry.internal = true
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
    if variable and variable ~= 'native' then aliases[variable] = entry.class end
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
function annotations.parse(text, file)
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

local cache ---@type lugger.help.entry[]|nil

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
local met = { 'lugger.error', 'lugger.query_pair', 'lugger.typed', 'lugger.tally', 'lugger.reject_record' }

-- Modules that scripts may require, written for the files that lugger makes and for its own scripts.
local for_our_files = { ['lugger.prompt_pg'] = true, ['lugger.mongo_index'] = true }

local function classes_of(items, names)
  for _, item in ipairs(items) do
    for name in item.type:gmatch 'lugger%.[%w_%.]*[%w_]' do names[#names + 1] = name end
  end
end

local function by_class_of(list)
  local by_class = {}
  for _, entry in ipairs(list) do
    local class = entry.kind == 'class' and entry.name or entry.name:match '^(.*):' or ''
    by_class[class] = by_class[class] or {}
    table.insert(by_class[class], entry)
  end
  return by_class
end

-- The classes that are still to be reached, those first that are the most public.
local function queue()
  local lists, done = { {}, {}, {} }, {}
  local self = {}
  function self.add(rank, items)
    local names = {}
    classes_of(items, names)
    for _, name in ipairs(names) do table.insert(lists[rank], name) end
  end
  function self.next()
    for rank, list in ipairs(lists) do
      while #list > 0 do
        local name = table.remove(list)
        if not done[name] then
          done[name] = true
          return name, rank
        end
      end
    end
  end
  return self
end

local taken, given, inner = 1, 2, 3

-- Public is what a public function takes, with all that it names, and what it gives. The records inside of a record
-- that is given, and what C++ gives, are for developers.
local function mark_public(list)
  local by_class, waiting = by_class_of(list), queue()
  local function publish(entry, rank)
    if entry.internal or entry.name:find '^lugger%.native%.' then rank = inner end
    entry.public, entry.inner = rank ~= inner, rank == inner
    waiting.add(rank == inner and inner or taken, entry.params)
    waiting.add(rank == inner and inner or given, entry.returns)
    waiting.add(rank == given and inner or rank, entry.fields)
    if entry.parent then waiting.add(rank, { { type = entry.parent } }) end
  end
  for _, name in ipairs(met) do waiting.add(taken, { { type = name } }) end
  for _, entry in ipairs(list) do
    if entry.module and not entry.module:match '^lugger%.inner%.' then
      publish(entry, for_our_files[entry.module] and inner or taken)
    end
  end
  local name, rank = waiting.next()
  while name do
    local entries = by_class[name] or {}
    local has_methods = #entries > 1
    for _, entry in ipairs(entries) do publish(entry, has_methods and rank == given and taken or rank) end
    name, rank = waiting.next()
  end
end

--- Every documented function and class of the embedded library, by name.
---@return lugger.help.entry[]
function annotations.entries()
  if cache then return cache end
  cache = {}
  for _, name in ipairs(native.embedded_names('')) do
    local module = module_of(name)
    local ours = module or name:match('^meta/.*%.lua$')
    for _, entry in ipairs(ours and annotations.parse(assert(native.embedded(name)), name) or {}) do
      entry.module, entry.public, entry.inner = module, false, false
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

return annotations
