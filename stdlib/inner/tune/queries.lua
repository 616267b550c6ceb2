-- The queries of a sweep: those of a file, or stored vectors drawn at random. Each may have a condition.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local vector = require 'lugger.vector'
local sql = native.sql

local queries = {}

---@class lugger.tune.query
---@field label string
---@field vector lugger.vector
---@field literal string as the type's text
---@field condition string SQL, or ""

--- A filter of the command line as one condition. Raises when it is none.
---@param text string|nil
---@return string "" for none
function queries.condition(text)
  if not text then return '' end
  -- As it stands, too: parentheses of ours must not close its own.
  local ok, tree = pcall(sql.tree, 'SELECT WHERE ' .. text)
  local one = ok and #tree == 1 and tree[1].stmt.SelectStmt ---@type any
  local more = one and (one.sortClause or one.limitCount or one.groupClause or one.op ~= 'SETOP_NONE')
  if not one or not one.whereClause or more then
    config.raise(('--filter %s is no condition'):format(text), [[as in --filter "tenant = 'acme'"]])
  end
  return ('(%s\n)'):format(text)
end

-- All names in a syntax tree that may be columns.
local function note_names(node, into)
  if type(node) ~= 'table' then return end
  if node.ColumnRef then
    for _, field in ipairs(node.ColumnRef.fields) do
      if field.String then into[field.String.sval] = true end
      if field.A_Star then into['*'] = true end
    end
  end
  for _, item in pairs(node) do note_names(item, into) end
end

--- The columns of the table that conditions may read.
---@param conditions string[]
---@param columns string[]
---@param of string the table's name, which stands for a whole row
---@return string[]
function queries.columns_of(conditions, columns, of)
  local named, out = {}, {}
  for _, condition in ipairs(conditions) do note_names(sql.tree('SELECT WHERE ' .. condition), named) end
  for _, name in ipairs(columns) do
    local whole = named['*'] or named[of] and not named[name]
    if named[name] or whole then out[#out + 1] = name end
  end
  return out
end

local function bad(path, number, why, hint)
  config.raise(('%s, query %d: %s'):format(path, number, why), hint)
end

local function filter_of(path, number, filter, facts)
  if filter == nil or filter == native.null then return '' end
  if type(filter) ~= 'table' or #filter > 0 then bad(path, number, 'the filter is no object of columns and values') end
  local known, names, parts = {}, {}, {}
  for _, name in ipairs(facts.columns) do known[name] = true end
  for name in pairs(filter) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = filter[name]
    if not known[name] then
      bad(path, number, ('the filter names %s, which is no column of %s'):format(name, facts.table))
    end
    if type(value) ~= 'string' and type(value) ~= 'number' and type(value) ~= 'boolean' then
      bad(path, number, ("the filter's %s is no text, number or truth"):format(name))
    end
    local text = type(value) == 'number' and ('%.17g'):format(value) or tostring(value)
    parts[i] = ('%s = %s'):format(sql.name(name), sql.literal(text))
  end
  return #parts > 0 and '(' .. table.concat(parts, ' AND ') .. ')' or ''
end

-- Text of the type: "[1,0.5]", "{1:1,2:0.5}/2", "10".
local function literal_of(v, type)
  local parts = {}
  for i = 0, v.size - 1 do
    local number = v.data[i]
    if type == 'bit' then
      parts[#parts + 1] = number > 0 and '1' or '0'
    elseif type ~= 'sparsevec' then
      parts[#parts + 1] = ('%.9g'):format(number)
    elseif number ~= 0 then
      parts[#parts + 1] = ('%d:%.9g'):format(i + 1, number)
    end
  end
  if type == 'bit' then return table.concat(parts) end
  local text = table.concat(parts, ',')
  return type == 'sparsevec' and ('{%s}/%d'):format(text, v.size) or '[' .. text .. ']'
end

local function joined(a, b)
  if a == '' or b == '' then return a .. b end
  return a .. ' AND ' .. b
end

---@type table<any, true|nil>
local members = { vector = true, filter = true, text = true }

local function query_of(path, number, line, facts, condition)
  local ok, one = pcall(native.json_tables, line) ---@type boolean, any
  if not ok or type(one) ~= 'table' then bad(path, number, 'it is no JSON object', 'the file is damaged there') end
  local numbers = one.vector or one[facts.column]
  if one.text and not numbers then
    bad(path, number, 'it is a text', 'tune takes vectors: let the model of the column make them')
  end
  for name in pairs(one) do
    if not members[name] and tostring(name):lower():match '^fi?l?t' then
      bad(path, number, ('unknown key "%s"'):format(name), 'did you mean filter?')
    end
  end
  local made, v = pcall(vector.of, numbers) ---@type boolean, any
  if not made then bad(path, number, 'it has no vector', '{ "vector": [0.1, 0.2] }') end
  if v.size ~= facts.dimensions then
    bad(path, number, ('%d dimensions, and %s has %d'):format(v.size, facts.column, facts.dimensions),
      'take queries of the model that made the vectors')
  end
  return { label = 'query ' .. number, vector = v, literal = literal_of(v, facts.type),
    condition = joined(condition, filter_of(path, number, one.filter, facts)) }
end

--- The queries of a file: an object of JSON a line, as for lugger verify --recall-queries.
---@param path string
---@param facts lugger.tune.facts
---@param condition string of all of them
---@return lugger.tune.query[]
function queries.read(path, facts, condition)
  local list, number = {}, 0
  local lines = native.lines(path)
  for line in function() return lines:next() end do
    number = number + 1
    if line:find '%S' then list[#list + 1] = query_of(path, number, line, facts, condition) end
  end
  if #list == 0 then config.raise(path .. ' has no queries', 'a line each: { "vector": [0.1, 0.2] }') end
  return list
end

--- What gives the numbers of a value as text that can be read as a vector.
---@param facts lugger.tune.facts
---@return string SQL
function queries.numbers(facts)
  local name = sql.name(facts.column)
  if facts.type == 'bit' then
    return ([[pg_catalog.concat('[', pg_catalog.array_to_string(pg_catalog.string_to_array(%s::text, NULL), ','),
      ']')]]):format(name)
  end
  if facts.type == 'sparsevec' then return ('%s::%s.vector::text'):format(name, facts.vectors) end
  return name .. '::text'
end

--- Draws stored vectors. The same seed draws the same ones of the same copy.
---@param session lugger.native.pg
---@param facts lugger.tune.facts
---@param copy string as SQL
---@param count integer
---@param seed integer
---@param condition string
---@return lugger.tune.query[]
function queries.sample(session, facts, copy, count, seed, condition)
  local list = {}
  local drawn = session:query(([[SELECT lugger_row, %s, %s::text FROM %s WHERE lugger_row IN (SELECT lugger_row FROM %s
    ORDER BY pg_catalog.hashint8extended(lugger_row, $1::int8), 1 LIMIT $2::int8) ORDER BY 1]]):format(
    queries.numbers(facts), sql.name(facts.column), copy, copy), { ('%d'):format(seed), ('%d'):format(count) })
  for i, row in ipairs(drawn.rows) do
    list[i] = { label = 'row ' .. row[1], vector = vector.of(row[2]), literal = row[3], condition = condition }
  end
  return list
end

return queries
