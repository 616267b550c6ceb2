-- Options that a script declares as a table: the flags of the script, with their checks and help.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local option_values = require 'lugger.inner.script.option_values'
local terminal = require 'lugger.inner.view.terminal'

local options = {}

---@class lugger.script.options_context
---@field arguments string[]
---@field reserved table<string, boolean> flags that a script may not declare
---@field help boolean|nil only its help is wanted
---@field script string|nil its name
---@field declared table[]|nil what it declared

-- The input of `options.declare`; set by lugger.script before a script runs.
local context = { arguments = {}, reserved = {} } ---@type lugger.script.options_context

--- Raised by `options.declare` when only the help is requested; carries the declaration.
options.help_wanted = setmetatable({}, { __tostring = function() return 'help wanted' end })

local known_keys = { 'type', 'default', 'choices', 'required', 'metavar', 'list', 'argument' }

local function check_spec(name, spec)
  if type(name) ~= 'string' or not name:match('^[%a][%w_]*$') then
    config.raise(('lugger.options: "%s" cannot be the name of an option; use letters, digits and _')
      :format(tostring(name)))
  end
  if type(spec) ~= 'table' then
    config.raise(("lugger.options: %s must be a table, as in { 'what it does', type = 'text', default = '' }")
      :format(name))
  end
  for key in pairs(spec) do
    if key ~= 1 then
      local known = false
      for _, other in ipairs(known_keys) do known = known or other == key end
      if not known then
        config.raise(('lugger.options: %s has an unknown key "%s"'):format(name, tostring(key)),
          fault.near(key, known_keys))
      end
    end
  end
  option_values.check(name, spec)
  if spec.argument ~= nil then
    local place = spec.argument
    local whole = type(place) == 'number' and place >= 1 and place == math.floor(place)
    if not whole or spec.type == 'bool' or spec.type == 'flag' then
      config.raise(('lugger.options: %s: argument is its place among the plain words, from 1; it is no switch')
        :format(name))
    end
  elseif context.reserved[option_values.flag_name(name)] then
    config.raise(('lugger.options: %s is a flag of lugger itself; name the option otherwise')
      :format(option_values.flag_name(name)))
  end
end

-- Plain words have places without gaps, and only the last can take several.
local function check_arguments(list)
  local by_place, count = {}, 0
  for _, spec in ipairs(list) do
    if spec.argument then
      if by_place[spec.argument] then
        config.raise(('lugger.options: %s and %s both are argument %d'):format(by_place[spec.argument].name, spec.name,
          spec.argument))
      end
      by_place[spec.argument], count = spec, count + 1
    end
  end
  for place = 1, count do
    local spec = by_place[place]
    if not spec then config.raise(('lugger.options: there is no argument %d'):format(place)) end
    if spec.list and place < count then
      config.raise(('lugger.options: %s takes all words that are left, so it is the last argument'):format(spec.name))
    end
    if spec.required and place > 1 and not by_place[place - 1].required then
      config.raise(('lugger.options: %s is required, so what stands before it is too'):format(spec.name))
    end
  end
  return by_place
end

local function normalise(specs)
  local list = {}
  for name, spec in pairs(specs) do
    check_spec(name, spec)
    local kind = spec.type
    if not kind then
      local default = spec.list and type(spec.default) == 'table' and spec.default[1] or spec.default
      kind = type(default) == 'boolean' and 'bool' or type(default) == 'number' and 'number' or 'text'
    end
    if kind == 'flag' then kind = 'bool' end
    list[#list + 1] = {
      name = name, flag = option_values.flag_name(name), argument = spec.argument, help = spec[1] or '', type = kind,
      default = option_values.default_of(name, { type = kind, default = spec.default, choices = spec.choices,
        list = spec.list,
        argument = spec.argument, metavar = spec.metavar }),
      choices = spec.choices,
      required = spec.required, metavar = spec.metavar or spec.argument and name:upper() or 'VALUE',
      list = spec.list,
    }
  end
  table.sort(list, function(a, b)
    if (a.argument or b.argument) and a.argument ~= b.argument then
      return (a.argument or math.huge) < (b.argument or math.huge)
    end
    return a.name < b.name
  end)
  return list
end

local function unknown(word, list)
  local flags = {}
  for _, spec in ipairs(list) do flags[#flags + 1] = spec.flag end
  for flag in pairs(context.reserved) do flags[#flags + 1] = flag end
  local what = word:sub(1, 1) == '-' and 'unknown flag ' or 'unexpected argument '
  error(setmetatable({ usage = true, message = what .. word, hint = fault.near(word, flags,
    context.script and ('lugger help %s lists its flags'):format(context.script) or false) },
    { __tostring = function(self) return self.message .. (self.hint and '; ' .. self.hint or '') end }), 0)
end

local function put(spec, values, value)
  local converted = option_values.convert(spec.name, spec, value)
  if spec.list then
    values[spec.name] = values[spec.name] or {}
    table.insert(values[spec.name], converted)
  else
    values[spec.name] = converted
  end
end

---@return integer at of the last word that it took
local function take(spec, values, inline, arguments, at)
  if spec.type == 'bool' then
    values[spec.name] = inline == nil or option_values.convert(spec.name, spec, inline)
    return at
  end
  local value = inline
  if value == nil then
    at = at + 1
    value = arguments[at]
    if value == nil then config.raise(('%s needs a value'):format(spec.flag)) end
  end
  put(spec, values, value)
  return at
end

-- The flags, and those that switch one off.
local function flags_of(list)
  local on, off = {}, {}
  for _, spec in ipairs(list) do
    if not spec.argument then
      on[spec.flag], on['--' .. spec.name] = spec, spec
    end
  end
  for _, spec in ipairs(list) do
    local no = '--no-' .. spec.flag:sub(3)
    if spec.type == 'bool' then
      if on[no] then config.raise(('lugger.options: %s and %s are one flag'):format(no, spec.flag)) end
      off[no], off['--no_' .. spec.name] = spec, spec
    end
  end
  return on, off
end

local function parse(list, by_place, arguments)
  local values, plain = {}, {}
  local on, off = flags_of(list)
  local at, flags_end = 1, false ---@type integer, boolean
  while at <= #arguments do
    local word = arguments[at]
    local flag, inline = word:match('^(%-%-[^=]+)=(.*)$')
    flag = flag or word
    if flags_end or word:sub(1, 1) ~= '-' or word == '-' then
      plain[#plain + 1] = word
    elseif word == '--' then
      flags_end = true
    elseif off[flag] then
      if inline ~= nil then config.raise(('%s takes no value'):format(flag)) end
      values[off[flag].name] = false
    elseif on[flag] then
      at = take(on[flag], values, inline, arguments, at) --[[@as integer]]
    else
      unknown(flag, list)
    end
    at = at + 1
  end
  for i, word in ipairs(plain) do
    local spec = by_place[i] or #by_place > 0 and by_place[#by_place].list and by_place[#by_place]
    if not spec then unknown(word, list) end
    put(spec, values, word)
  end
  return values
end

---@class lugger.option_spec
---@field [1] string what the option does
---@field type string|nil "text" when not given
---@field default any
---@field choices string[]|nil the values it may have
---@field required boolean|nil
---@field list boolean|nil may be repeated; the value is a list
---@field metavar string|nil what help calls the value
---@field argument integer|nil it is no flag but a plain word, at this place; with `list` it takes all that are left

--- Declares the options of this script and returns their values. Each becomes a flag `--name VALUE`, which `lugger help
--- SCRIPT` lists; of type bool a switch, `--name` and `--no-name`; with `argument` a plain word. Types: text, path,
--- int, number, bool, and every column type (timestamptz, uuid, numeric...), checked by its coercer.
---@param specs table<string, lugger.option_spec>
---@return table<string, any> values by name
function options.declare(specs)
  if type(specs) ~= 'table' then
    config.raise("lugger.options takes a table, as in lugger.options { since = { 'help' } }")
  end
  local list = normalise(specs)
  local by_place = check_arguments(list)
  context.declared = list
  if context.help then error(options.help_wanted, 0) end
  local values = parse(list, by_place, context.arguments)
  for _, spec in ipairs(list) do
    if values[spec.name] == nil then
      if spec.required then
        config.raise(('%s is required: %s'):format(option_values.shown_name(spec.name, spec), spec.help))
      end
      local default = spec.default
      if spec.type == 'bool' and default == nil then default = false end
      values[spec.name] = default
    end
  end
  return setmetatable(values, { __index = function(_, key)
    for _, spec in ipairs(list) do
      if spec.name == key then return nil end
    end
    config.raise(('this script declares no option "%s"'):format(tostring(key)))
  end })
end

--- Prepares the next script: its arguments, flags it may not declare, and whether only its help is requested.
---@param next_context lugger.script.options_context
function options.prepare(next_context)
  context = next_context
end

--- What the script declared; nil when it declared nothing.
---@return table[]|nil
function options.declared()
  return context.declared
end

--- Raises for arguments that no declaration uses. A script that does its work itself may read plain words as `...`, as
--- in lua, but must declare flags.
---@param plain boolean
function options.finish(plain)
  local first = context.arguments[1]
  if not context.declared and first and not (plain and first:sub(1, 1) ~= '-') then unknown(first, {}) end
end

--- What follows the script's name: its arguments, and that it has flags.
---@param list table[]
---@return string
function options.usage(list)
  local out, has_flags = '', false
  for _, spec in ipairs(list) do
    if spec.argument then
      local word = spec.metavar .. (spec.list and '...' or '')
      out = out .. ' ' .. (spec.required and word or '[' .. word .. ']')
    end
    has_flags = has_flags or not spec.argument
  end
  return out .. (has_flags and ' [its flags]' or '')
end

--- Text for people: one block for each declared option.
---@param list table[]
---@return string
function options.describe(list)
  local lines = {}
  for _, spec in ipairs(list) do
    local head = spec.argument and spec.metavar or spec.flag .. ' ' .. spec.metavar
    if spec.type == 'bool' then head = ('%s, --no-%s'):format(spec.flag, spec.flag:sub(3)) end
    local notes = {}
    if spec.type ~= 'bool' then
      notes[#notes + 1] = spec.choices and table.concat(spec.choices, ' | ') or spec.type
    end
    local told = spec.default ~= nil and spec.default ~= '' and not (spec.type == 'bool' and spec.default == false)
    if told then notes[#notes + 1] = 'default ' .. tostring(spec.default) end
    if spec.required then notes[#notes + 1] = 'required' end
    if spec.list then notes[#notes + 1] = spec.argument and 'one or more' or 'may be repeated' end
    local text = spec.help .. (#notes > 0 and ' (' .. table.concat(notes, ', ') .. ')' or '')
    lines[#lines + 1] = ('  %s\n%s'):format(head, terminal.wrap(text, '      '))
  end
  return table.concat(lines, '\n')
end

return options
