-- The values of a script's options: what a type takes, of the command line and as a default.
local coercers = require 'lugger.inner.base.coercer'
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local shown = require('lugger.inner.base.shown').value

local option_values = {}

---@type table<string, nil|fun(value: string): (any, string|nil)>
local plain_types = {
  text = function(value) return value end,
  path = function(value) return value end,
  int = function(value)
    local number = value:match('^[+-]?%d+$') and tonumber(value)
    return number, 'a whole number'
  end,
  number = function(value) return tonumber(value), 'a number' end,
  bool = function(value) -- of --flag=false
    local words = { ['true'] = true, yes = true, on = true, ['1'] = true, ['false'] = false, no = false,
      off = false, ['0'] = false }
    return words[value:lower()], 'true or false'
  end,
}

--- The flag of an option.
---@param name string
---@return string
function option_values.flag_name(name)
  return '--' .. name:gsub('_', '-')
end

--- What messages call an option.
---@param name string
---@param spec table
---@return string
function option_values.shown_name(name, spec)
  return spec.argument and spec.metavar or option_values.flag_name(name)
end

--- A word of the command line as a value of the option's type.
---@param name string
---@param spec table
---@param value string
---@return any
function option_values.convert(name, spec, value)
  if spec.choices then
    for _, choice in ipairs(spec.choices) do
      if tostring(choice) == value then return choice end
    end
    config.raise(('%s cannot be "%s"; choose one of: %s'):format(option_values.shown_name(name, spec), value,
      table.concat(spec.choices, ', ')))
  end
  local plain = plain_types[spec.type]
  if plain then
    local result, wanted = plain(value)
    if result == nil then
      config.raise(('%s takes %s, not "%s"'):format(option_values.shown_name(name, spec), wanted, value))
    end
    return result
  end
  local ok, coercer = pcall(coercers.new, spec.type)
  if not ok then config.raise(('%s: %s'):format(option_values.shown_name(name, spec), tostring(coercer))) end
  local result, err = coercer:try_coerce(value)
  if err then config.raise(('%s: %s'):format(option_values.shown_name(name, spec), tostring(err))) end
  return result
end

-- Lua types of the defaults of plain types; a text is read as one of the command line is.
local default_kinds = { text = 'string', path = 'string', int = 'number', number = 'number', bool = 'boolean' }

local function refuse_spec(name, what, hint)
  config.raise(('lugger.options: %s: %s'):format(name, what), hint)
end

local known_types = { 'text', 'path', 'int', 'number', 'bool', 'timestamptz', 'date', 'uuid', 'numeric', 'interval' }
-- Known to every server, and only checked there.
local of_server = {}
for word in ('inet cidr macaddr macaddr8 money xml tsvector tsquery point line lseg box path polygon circle jsonpath '
  .. 'pg_lsn int4range int8range numrange tsrange tstzrange daterange citext ltree hstore'):gmatch '%S+' do
  of_server[word] = true
end

local function check_type(name, kind)
  if type(kind) ~= 'string' then
    refuse_spec(name, ('type must be a text, not %s'):format(shown(kind)), "type = 'int'")
  end
  if default_kinds[kind] or kind == 'flag' then return end
  local ok, left_to_server = pcall(coercers.is_left_to_server, kind)
  if ok and (not left_to_server or of_server[kind:match '^[%w_]+' or '']) then return end
  local near = native.system.nearest(kind, known_types)
  refuse_spec(name, ('there is no type "%s" that can be checked here'):format(kind), near and near ~= ''
    and ('did you mean %s?'):format(near) or not ok and (left_to_server --[[@as lugger.error]]).message
    or 'types are text, path, int, number, bool, and those of columns: timestamptz, uuid, numeric(12,2), ...; for '
      .. "words of your own: choices = { 'a', 'b' }")
end

-- What one default becomes.
local function read_default(name, spec, v)
  if type(v) == 'string' or spec.choices then
    local ok, converted = pcall(option_values.convert, name, spec, tostring(v))
    if not ok then
      local err = converted --[[@as lugger.error]]
      refuse_spec(name, ('its default %s does not fit'):format(shown(v)), err.message)
    end
    return converted
  end
  local kind = default_kinds[spec.type]
  local whole = spec.type ~= 'int' or type(v) ~= 'number' or v == math.floor(v)
  if kind and (type(v) ~= kind or not whole) then
    refuse_spec(name, ('its default must be %s, not %s'):format(spec.type == 'int' and 'a whole number'
      or kind == 'string' and 'a text' or kind == 'boolean' and 'true or false' or 'a number', shown(v)))
  end
  if kind then return v end
  local result, err = coercers.new(spec.type):try_coerce(v)
  if err then refuse_spec(name, ('its default %s does not fit'):format(shown(v)), tostring(err)) end
  return result
end

--- What the default of a declaration becomes; refuses one of another type.
---@param name string
---@param spec table
---@return any
function option_values.default_of(name, spec)
  local v = spec.default
  if v == nil then return nil end
  if not spec.list then return read_default(name, spec, v) end
  if type(v) ~= 'table' or getmetatable(v) ~= nil then
    refuse_spec(name, ('its default must be a list, not %s'):format(shown(v)), "default = { 'a', 'b' }")
  end
  local list = {}
  for i, one in ipairs(v) do list[i] = read_default(name, spec, one) end
  return list
end

local function check_words(name, spec)
  for key, kind in pairs { required = 'boolean', list = 'boolean', metavar = 'string', [1] = 'string' } do
    local v = spec[key]
    if v ~= nil and type(v) ~= kind then
      refuse_spec(name, ('%s must be %s, not %s'):format(key == 1 and 'what it does' or key,
        kind == 'boolean' and 'true or false' or 'a text', shown(v)))
    end
  end
  local choices = spec.choices
  if choices == nil then return end
  local fits = type(choices) == 'table' and #choices > 0
  for _, choice in ipairs(fits and choices or {}) do
    fits = fits and (type(choice) == 'string' or type(choice) == 'number')
  end
  if not fits then refuse_spec(name, 'choices must be a list of texts or numbers', "choices = { 'a', 'b' }") end
end

--- Refuses a declaration whose type is none, or whose other words are of another kind.
---@param name string
---@param spec table
function option_values.check(name, spec)
  check_words(name, spec)
  if spec.type ~= nil then check_type(name, spec.type) end
  if spec.list and (spec.type == 'bool' or spec.type == 'flag') then
    refuse_spec(name, 'a switch is no list', 'leave out list, or give it another type')
  end
end

return option_values
