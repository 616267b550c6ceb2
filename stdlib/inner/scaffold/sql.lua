-- schema.sql, constraints.sql and indexes.sql: the DDL of the jobs' own shapes, so that scripts and files agree.
local lua_text = require 'lugger.inner.scaffold.lua_text'
local sql_text = require 'lugger.inner.sql.text'

local scaffold_sql = {}

local function statement(text)
  return (text:gsub('%s+$', '')) .. ';\n'
end

local function head(lines, ...)
  for _, text in ipairs { ... } do lines[#lines + 1] = lua_text.comment(text) .. '\n' end
end

local function schemas(lines, shapes)
  local seen = {}
  for _, item in ipairs(shapes) do
    for _, made in ipairs(item.shape.tables) do
      local schema = made.name:match('^([^.]+)%.')
      if schema and not seen[schema] then
        seen[schema] = true
        lines[#lines + 1] = statement('CREATE SCHEMA IF NOT EXISTS ' .. sql_text.name(schema))
      end
    end
  end
end

---@class lugger.scaffold.shape
---@field name string of the collection
---@field shape lugger.job_shape
---@field unique_id { name: string, unique: string[] }|nil the constraint on mongo_id
---@field indexes { value: table|nil, notes: string[] }[]|nil those that have no equal included; nil: as the job says

--- Tables with their keys. Only keys are NOT NULL, unless the user requested more.
---@param shapes lugger.scaffold.shape[]
---@return string
function scaffold_sql.schema(shapes)
  local lines = {}
  head(lines, 'Tables, in the order they must be made: psql -v ON_ERROR_STOP=1 -f schema.sql',
    '`lugger run --create` makes the same. NOT NULL beyond the keys comes in constraints.sql, when the data is in.')
  schemas(lines, shapes)
  for _, item in ipairs(shapes) do
    lines[#lines + 1] = '\n' .. lua_text.comment(item.name) .. '\n'
    for place, text in ipairs(item.shape.create) do
      local own = assert(item.shape.tables[place])
      lines[#lines + 1] = statement(text)
      for _, key in ipairs(item.shape.keys) do
        if key.table == own.name then lines[#lines + 1] = statement(key.statements[1]) end
      end
      local distributed = item.shape.distribute[place]
      if distributed then lines[#lines + 1] = statement(distributed) end
      if item.unique_id and place == 1 then
        lines[#lines + 1] = statement(('ALTER TABLE %s ADD CONSTRAINT %s UNIQUE (%s)'):format(
          sql_text.table(own.name), sql_text.name(item.unique_id.name),
          sql_text.name(assert(item.unique_id.unique[1]))))
      end
    end
  end
  return table.concat(lines)
end

---@return integer
local function steps_of(lines, shapes, stage)
  local count = 0
  for _, item in ipairs(shapes) do
    local first = true
    for _, step in ipairs(item.shape.steps) do
      local in_schema = item.unique_id and step.name == item.unique_id.name
      if step.stage == stage and not in_schema then
        if first then lines[#lines + 1] = '\n' .. lua_text.comment(item.name) .. '\n' end
        first, count = false, count + 1
        for _, text in ipairs(step.statements) do lines[#lines + 1] = statement(text) end
      end
    end
  end
  return count
end

--- Constraints, each added NOT VALID and validated afterwards, so that the check blocks nobody.
---@param shapes lugger.scaffold.shape[]
---@return string
function scaffold_sql.constraints(shapes)
  local lines = {}
  head(lines, 'Constraints, once every table is loaded and verified. `lugger run --stage constrain` does the same.',
    'Each is added NOT VALID, which takes no time, and validated without keeping writers out.')
  if steps_of(lines, shapes, 'constrain') == 0 then lines[#lines + 1] = '\n-- none\n' end
  return table.concat(lines)
end

--- Indexes, built CONCURRENTLY, and those of the source without an equivalent.
---@param shapes lugger.scaffold.shape[]
---@return string
function scaffold_sql.indexes(shapes)
  local lines = {}
  head(lines, 'Indexes, once every table is loaded. `lugger run --stage index` does the same, several at once.',
    'CONCURRENTLY cannot stand in a transaction: psql -f, without -1.')
  for _, item in ipairs(shapes) do
    local statements, indexes = {}, item.indexes or {}
    for _, step in ipairs(item.shape.steps) do
      if step.stage == 'index' then
        statements[step.name] = step.statements
        if not item.indexes then indexes[#indexes + 1] = { value = step, notes = {} } end
      end
    end
    if #indexes > 0 then lines[#lines + 1] = '\n' .. lua_text.comment(item.name) .. '\n' end
    for _, index in ipairs(indexes) do
      for _, text in ipairs(index.notes) do lines[#lines + 1] = lua_text.comment(text) .. '\n' end
      for _, text in ipairs(index.value and statements[index.value.name] or {}) do
        lines[#lines + 1] = statement(text)
      end
    end
  end
  return table.concat(lines)
end

return scaffold_sql
