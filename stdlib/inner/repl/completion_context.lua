-- Where the cursor stands in a line of Lua: behind which value, in which option table, in which quoted text. Read from
-- the tokens and from the types that the annotations name; nothing of the line is run.
local annotations = require 'lugger.inner.cli.annotations'
local document = require 'lugger.inner.base.document'
local help = require 'lugger.inner.cli.help'
local help_value = require 'lugger.inner.cli.help_value'
local lua_tokens = require 'lugger.inner.lint.lua_tokens'

local context = {}

---@class lugger.repl.expression what is known of an expression
---@field value any its value, where it is a variable or a field of one
---@field class string|nil "lugger.source"
---@field entry lugger.help.entry|nil of a function

---@class lugger.repl.tokens
---@field [integer] lugger.lint.token
---@field pairs table<integer, integer> the place of a bracket that opens, by the place of the one that closes it

local closing = { ['('] = ')', ['{'] = '}', ['['] = ']' } ---@type table<string, string|nil>
local closers = { [')'] = true, ['}'] = true, [']'] = true } ---@type table<string, boolean|nil>

--- The tokens of what stands in front of the cursor, with the brackets that are open there.
---@param before string
---@return lugger.repl.tokens tokens
---@return integer[] open places of the brackets, the innermost last
function context.read(before)
  local open, pairs_of = {}, {}
  local tokens = { pairs = pairs_of } ---@type lugger.repl.tokens
  for _, token in ipairs(lua_tokens.read(' ' .. before)) do
    if token.kind ~= 'comment' then
      tokens[#tokens + 1] = token
      if closing[token.text] and token.kind == 'operator' then
        open[#open + 1] = #tokens
      elseif closers[token.text] and #open > 0 then
        pairs_of[#tokens] = table.remove(open)
      end
    end
  end
  return tokens, open
end

--- The quote that is open at the end: its text so far, and the tokens in front of it. Nil when none is.
---@param before string
---@return string|nil inside
---@return string|nil in_front
function context.quote(before)
  local list = lua_tokens.read(' ' .. before)
  local last = list[#list]
  if not last or last.kind ~= 'string' or before:sub(-#last.text) ~= last.text then return nil end
  local mark = last.text:sub(1, 1)
  if mark == '[' then
    local level = last.text:match '^%[(=*)%['
    if last.text:sub(-#level - 2) == ']' .. level .. ']' then return nil end
    return last.text:sub(#level + 3), before:sub(1, -#last.text - 1)
  end
  local closed = #last.text > 1 and last.text:sub(-1) == mark and not last.text:find '[^\\]\\(.)$'
  if closed then return nil end
  return last.text:sub(2), before:sub(1, -#last.text - 1)
end

local function class_in(kind)
  local plain = (kind or ''):gsub('lugger%.[%w_%.]+%[%]', '')
  return plain:match 'lugger%.[%w_%.]*[%w_]'
end

local function element_of(kind)
  return (kind or ''):match '(lugger%.[%w_%.]*[%w_])%[%]' or (kind or ''):match '%((lugger%.[%w_%.]*[%w_])|%w+%)%[%]'
end

local function method_entry(class, name)
  for _, one in ipairs(class and help.line_of(class) or {}) do
    for _, entry in ipairs(annotations.entries()) do
      if entry.name == one .. ':' .. name then return entry end
    end
  end
end

local function field_type(class, name)
  for _, field in ipairs(class and help.fields(class) or {}) do
    if field.name:gsub('%?$', '') == name then return field.type end
  end
end

-- A field of a table or a document; of other values nothing.
local function field_of(value, key)
  if type(value) ~= 'table' and not document.is(value) then return nil end
  local ok, found = pcall(function() return value[key] end)
  if ok then return found end
end

local function known(value)
  if value == nil then return nil end
  local entry
  if type(value) == 'function' then entry = help_value.entry(value) end
  return { value = value, class = help_value.class(value), entry = entry }
end

local function member(of, name)
  if not of then return nil end
  local value = field_of(of.value, name)
  if value ~= nil then
    local found = assert(known(value))
    found.entry = found.entry or method_entry(of.class, name)
    return found
  end
  local entry = method_entry(of.class, name)
  local kind = not entry and field_type(of.class, name)
  return { entry = entry, class = kind and class_in(kind) or nil }
end

local function result(of)
  local entry = of and of.entry
  local given = entry and entry.returns[1]
  if given then return { class = class_in(given.type), list = element_of(given.type) } end
  if of and of.class == 'lugger.db' then return { class = 'lugger.sql_result' } end
  return {}
end

local function first_of_chain(tokens, last)
  local at = last
  while at > 0 do
    local token = tokens[at]
    if closers[token.text] and token.kind == 'operator' then
      local opener = tokens.pairs[at]
      if not opener then return nil end
      at = opener - 1
    elseif token.kind == 'string' then
      at = at - 1
    elseif token.kind == 'name' then
      local before = tokens[at - 1]
      if not (before and (before.text == '.' or before.text == ':')) then return at end
      at = at - 2
    else
      return nil
    end
  end
end

--- What is known of the expression that ends with a token.
---@param tokens lugger.repl.tokens
---@param last integer
---@param find fun(name: string): any the value of a variable
---@return lugger.repl.expression|nil
function context.expression(tokens, last, find)
  local at = first_of_chain(tokens, last)
  if not at then return nil end
  local found = known(find(tokens[at].text))
  at = at + 1
  while at <= last and found do
    local token = tokens[at]
    if token.text == '.' or token.text == ':' then
      found = member(found, tokens[at + 1] and tokens[at + 1].text or '')
      at = at + 2
    elseif token.text == '[' then
      local kind = field_type(found.class, '[integer]')
      found = { class = found.list or class_in(kind) }
    else
      found = result(found)
    end
    if token.text == '(' or token.text == '{' or token.text == '[' then
      local stop = at
      for closer, opener in pairs(tokens.pairs) do
        if opener == at then stop = closer end
      end
      at = stop + 1
    elseif token.kind == 'string' then
      at = at + 1
    end
  end
  return found
end

-- Which argument of its call stands at the end: 1 behind the bracket, one more for each comma.
local function argument_at(tokens, opener, stop)
  local number, at = 1, opener + 1
  local jumps = {} ---@type table<integer, integer|nil>
  for closer, begin in pairs(tokens.pairs) do jumps[begin] = closer end
  while at <= stop do
    if jumps[at] then at = jumps[at] elseif tokens[at].text == ',' then number = number + 1 end
    at = at + 1
  end
  return number
end

--- The call whose argument stands at a bracket or a string: what is called, and which argument it is.
---@param tokens lugger.repl.tokens
---@param open integer[]
---@param at integer the place of the bracket or string
---@param find fun(name: string): any
---@return lugger.repl.expression|nil called
---@return integer|nil argument
---@return integer|nil opener
function context.call(tokens, open, at, find)
  local before = tokens[at - 1]
  if before and (before.kind == 'name' or closers[before.text]) then
    return context.expression(tokens, at - 1, find), 1, at
  end
  local outer ---@type integer|nil
  for _, place in ipairs(open) do
    if place < at then outer = place end
  end
  if outer and tokens[outer].text == '(' and outer > 1 then
    return context.expression(tokens, outer - 1, find), argument_at(tokens, outer, at - 1), outer
  end
end

local function type_of_table(tokens, open, depth, find)
  local at = open[depth]
  if not at or tokens[at].text ~= '{' then return nil end
  local before = tokens[at - 1]
  local outer = depth > 1 and tokens[open[depth - 1]].text == '{'
  if outer and before.text == '=' then
    local kind = type_of_table(tokens, open, depth - 1, find)
    return field_type(class_in(kind), tokens[at - 2] and tokens[at - 2].text)
  end
  if outer and (before.text == '{' or before.text == ',' or before.text == ';') then
    return element_of(type_of_table(tokens, open, depth - 1, find))
  end
  local called, argument = context.call(tokens, open, at, find)
  local param = called and called.entry and argument and called.entry.params[argument]
  return param and param.type or nil
end

--- The class of the option table that is open at the end.
---@param tokens lugger.repl.tokens
---@param open integer[]
---@param find fun(name: string): any
---@return string|nil
function context.table_class(tokens, open, find)
  return class_in(type_of_table(tokens, open, #open, find))
end

--- The keys that the open table has already.
---@param tokens lugger.repl.tokens
---@param opener integer
---@return table<string, boolean>
function context.keys(tokens, opener)
  local keys, depth = {}, 0
  for at = opener + 1, #tokens do
    local text = tokens[at].kind == 'operator' and tokens[at].text
    if text and closing[text] then depth = depth + 1 end
    if text and closers[text] then depth = depth - 1 end
    if depth == 0 and text == '=' and tokens[at - 1].kind == 'name' then keys[tokens[at - 1].text] = true end
  end
  return keys
end

--- The words that a field of a class may have: "error", "skip", ...
---@param class string|nil
---@param name string
---@return string[]
function context.choices(class, name)
  local words = {}
  for word in (field_type(class, name) or ''):gmatch '"([^"]*)"' do words[#words + 1] = word end
  return words
end

return context
