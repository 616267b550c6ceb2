-- Translates the fields of a source index to parts of an index in PostgreSQL: where each field is stored, and the
-- expression that reads it.
local document = require 'lugger.inner.base.document'
local mongo_path = require 'lugger.inner.mongo.path'
local sql_text = require 'lugger.inner.sql.text'

local index_parts = { most_key_bytes = 2704 } -- the maximum for a btree with 8 kB pages
local most_key_bytes = index_parts.most_key_bytes

--- "{ email: 1, age: -1 }".
---@param key lugger.doc
---@return string
function index_parts.key_text(key)
  local parts = {}
  for name, direction in document.each(key) do parts[#parts + 1] = ('%s: %s'):format(name, tostring(direction)) end
  return '{ ' .. table.concat(parts, ', ') .. ' }'
end

local casts = { number = true, bool = true, uuid = true }

local function part_of(context, source, path, direction)
  local place = mongo_path.resolve(context.mapping, path)
  local part = { path = path, place = place, descending = (tonumber(tostring(direction)) or 1) < 0 }
  if not place then return part end
  part.sql = place.json and place.sql or sql_text.name(place.column)
  part.family = place.json and 'text' or place.family
  if place.json and source.unique and place.family == 'jsonb' then
    part.sql, part.family = mongo_path.json_sql(place.column, place.json, true), 'jsonb'
    part.note = ('%s is compared as jsonb, since 5 and "5" are one as text: a query says %s = to_jsonb($1)')
      :format(path, part.sql)
  end
  local known = context.options.types and context.options.types[path]
  if place.json and known and casts[mongo_path.family(known)] then
    part.sql, part.family, part.note = ('(%s::%s)'):format(place.sql, known), mongo_path.family(known), nil
  elseif place.json and known and mongo_path.family(known) == 'time' then
    part.note = ('%s is a date inside jsonb: its text is in the index, since a cast to timestamptz cannot be')
      :format(path)
  end
  local arrays = context.options.arrays or {}
  part.array = not place.child and (place.family == 'array' and not place.json or arrays[path] and 'json')
  for prefix in path:gmatch('()%.') do
    if not place.child and arrays[path:sub(1, prefix - 1)] then part.array = 'inside' end
  end
  part.table = place.table
  return part
end

---@class lugger.index_fields: { [integer]: table }
---@field missing string[] what no column holds
---@field wildcard string|nil
---@field text boolean|nil
---@field special string|nil "2d", "hashed", ...

--- All fields of an index; `missing` names those that no column holds.
---@param context table
---@param source table
---@return lugger.index_fields
function index_parts.of(context, source)
  local parts = { missing = {} } ---@type lugger.index_fields
  for path, direction in document.each(source.key) do
    ---@cast path string
    if path:find('$**', 1, true) then
      parts.wildcard = path
    elseif path == '_fts' or path == '_ftsx' then
      parts.text = true
    else
      if type(direction) == 'string' then parts.special = direction end
      local part = part_of(context, source, path, direction)
      parts[#parts + 1] = part
      if not part.place then parts.missing[#parts.missing + 1] = path end
    end
  end
  return parts
end

--- Text without a length limit in a btree: a value too long for a page makes the build fail, or a later INSERT.
---@param context table
---@param part table
---@param out lugger.translated_index
---@param unique boolean|nil
function index_parts.bound_text(context, part, out, unique)
  local longest = context.options.max_length and context.options.max_length[part.path]
  if part.family ~= 'text' and not (part.family == 'jsonb' and longest) then return end
  local declared = not part.place.json and tonumber(part.place.type:match('%((%d+)%)'))
  if declared and declared * 4 <= most_key_bytes then return end
  if longest and longest <= most_key_bytes then return end
  if longest then
    out.warnings[#out.warnings + 1] = ('%s has text of %d bytes, and a btree takes %d: its md5 is in the index, which '
      .. 'answers equality (WHERE md5(%s) = md5($1))'):format(part.path, longest, most_key_bytes, part.sql)
    part.sql, part.hashed = ('md5(%s)'):format(part.sql .. (part.family == 'jsonb' and '::text' or '')), true
  else
    out.warnings[#out.warnings + 1] = ('%s is text without a limit: a value of more than %d bytes may be refused; %san '
      .. 'index on md5(%s) takes any'):format(part.path, most_key_bytes, unique and '' or 'a hash index or ', part.sql)
  end
end

--- The entry's text: a column by its name, anything else in parentheses.
---@param part table
---@param collation { name: string, ddl: string, deterministic: boolean }|nil
---@return string
function index_parts.entry_of(part, collation)
  local plain = part.place and not part.place.json and not part.hashed and not collation
  local text = plain and part.place.column or '(' .. part.sql .. ')'
  -- A column whose name ends like a direction, or begins like an expression, is written as an expression.
  if plain and (text:sub(1, 1) == '(' or text:match(' [dD][eE][sS][cC]$') or text:match(' [aA][sS][cC]$')) then
    text = '(' .. sql_text.name(text) .. ')'
  end
  if collation and part.family == 'text' then text = text .. ' COLLATE ' .. sql_text.name(collation.name) end
  return text .. (part.descending and ' desc' or '')
end

--- Groups the fields by the table that holds them, and separately for each array: rows in different tables cannot share
--- an index entry.
---@param parts table[]
---@return table[]
function index_parts.groups_of(parts)
  local groups, by_key = {}, {}
  for _, part in ipairs(parts) do
    local key = part.array and 'array ' .. part.path or part.table
    if not by_key[key] then
      by_key[key] = { array = part.array, child = part.place.child }
      groups[#groups + 1] = by_key[key]
    end
    table.insert(by_key[key], part)
  end
  return groups
end

return index_parts
