-- Finds the place of a document's field: a column, a child table or a path inside a jsonb column.
local sql_text = require 'lugger.inner.sql.text'

local mongo_path = {}

local families = {
  text = 'text', varchar = 'text', ['character varying'] = 'text', char = 'text', character = 'text', bpchar = 'text',
  citext = 'text', int2 = 'number', int4 = 'number', int8 = 'number', smallint = 'number', integer = 'number',
  int = 'number', bigint = 'number', numeric = 'number', decimal = 'number', float4 = 'number', float8 = 'number',
  real = 'number', ['double precision'] = 'number', timestamptz = 'time', timestamp = 'time', date = 'time',
  ['timestamp with time zone'] = 'time', ['timestamp without time zone'] = 'time', bool = 'bool', boolean = 'bool',
  uuid = 'uuid', json = 'json', jsonb = 'jsonb', bytea = 'bytes',
}

--- The family of a type: "text", "number", "time", "bool", "uuid", "json", "jsonb", "bytes", "array" or "other".
---@param type string as a column names it
---@return string
function mongo_path.family(type)
  if type:match('%[%]%s*$') then return 'array' end
  return families[type:lower():gsub('%s*%b()', ''):gsub('^%s+', ''):gsub('%s+$', '')] or 'other'
end

--- "a.b" -> { 'a', 'b' }; a dot after a backslash is part of the name.
---@param path string
---@return string[]
function mongo_path.split(path)
  local parts, current, at = {}, {}, 1
  while at <= #path do
    local char = path:sub(at, at)
    if char == '\\' and at < #path then
      at = at + 1
      current[#current + 1] = path:sub(at, at)
    elseif char == '.' then
      parts[#parts + 1], current = table.concat(current), {}
    else
      current[#current + 1] = char
    end
    at = at + 1
  end
  parts[#parts + 1] = table.concat(current)
  return parts
end

-- The number of parts of `path` that `prefix` covers; nil when `path` does not begin with it.
local function begins(path, prefix)
  if #prefix > #path then return nil end
  for i, part in ipairs(prefix) do
    if path[i] ~= part then return nil end
  end
  return #prefix
end

local function rest_of(parts, from)
  return { unpack(parts, from + 1) }
end

--- The SQL for a path inside a json or jsonb column; gives text or jsonb.
---@param column string
---@param parts string[] empty: the column itself
---@param as_json boolean|nil
---@return string
function mongo_path.json_sql(column, parts, as_json)
  local name = sql_text.name(column)
  if #parts == 0 then return as_json and name or ("(%s #>> '{}')"):format(name) end
  if #parts == 1 and not parts[1]:match('^%-?%d+$') then
    return ('(%s %s %s)'):format(name, as_json and '->' or '->>', sql_text.literal(parts[1]))
  end
  return ('(%s %s %s)'):format(name, as_json and '#>' or '#>>', sql_text.text_array(parts))
end

---@class lugger.mongo_place where a path of the documents went
---@field table string
---@field column string
---@field type string of the column
---@field family string see mongo_path.family
---@field nullable boolean
---@field json string[]|nil the path inside the json or jsonb column
---@field child boolean|nil of a child table: a row an element of an array
---@field sql string what reads it, as text where it is inside a json column

local function of_column(table_name, column, json, child)
  local place = {
    table = table_name, column = column[1], type = column[2], family = mongo_path.family(column[2]), json = json,
    child = child, nullable = json ~= nil or not column.required,
  }
  place.sql = json and mongo_path.json_sql(column[1], json) or sql_text.name(column[1])
  return place
end

local function is_json(column)
  local family = mongo_path.family(column[2])
  return family == 'json' or family == 'jsonb'
end

local function in_columns(table_name, columns, parts, child)
  local best, taken, rest_column = nil, 0, nil ---@type lugger.column|nil, integer, lugger.column|nil
  for _, column in ipairs(columns) do
    local from = column.from or column[1]
    if from == '*' then
      rest_column = column
    elseif not column.generate then -- otherwise it is generated, not read
      local count = begins(parts, from == '.' and {} or mongo_path.split(from))
      local whole = count == #parts
      if count and (whole or is_json(column)) and (not best or count > taken) then best, taken = column, count end
    end
  end
  if best then
    local rest = rest_of(parts, taken)
    return of_column(table_name, best, #rest > 0 and rest or nil, child)
  end
  if rest_column and is_json(rest_column) then return of_column(table_name, rest_column, parts, child) end
end

local function in_children(children, parts)
  for _, child in ipairs(children or {}) do
    local base = mongo_path.split((child.from:gsub('%[%]$', '')))
    local count = begins(parts, base)
    if count then
      local rest = rest_of(parts, count)
      return in_children(child.children, rest) or in_columns(child.table, child.columns, rest, true)
    end
  end
end

--- The place of a document's path in a job's mapping; nil: no column holds it.
---@param mapping table table, columns, children, as in a job
---@param path string
---@return lugger.mongo_place|nil
function mongo_path.resolve(mapping, path)
  local parts = mongo_path.split(path)
  return in_children(mapping.children, parts) or in_columns(mapping.table, mapping.columns, parts)
end

return mongo_path
