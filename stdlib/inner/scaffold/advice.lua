-- Advice on decisions that only the user can make: document shapes, tenants, lookups inside jsonb.
local census_advice = require 'lugger.inner.census.advice'
local lua_text = require 'lugger.inner.scaffold.lua_text'
local names = require 'lugger.inner.base.names'
local sql_text = require 'lugger.inner.sql.text'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): number]]

local scaffold_advice = {}

local most_kinds = 8
local tenant_words = { tenant = true, organization = true, organisation = true, org = true, workspace = true,
  account = true, company = true, customer = true }

local function named(list)
  if #list == 0 then return 'nothing of its own' end
  return table.concat(list, ', ', 1, math.min(#list, 6)) .. (#list > 6 and ', ...' or '')
end

local function route_lines(path, values, made)
  local tables = {}
  for _, value in ipairs(values) do tables[value] = made.table .. '_' .. value:gsub('%W+', '_'):lower() end
  return {
    ('route = { from = %s, tables = %s,'):format(lua_text.quote(path), lua_text.value(tables)),
    ('  otherwise = %s },'):format(lua_text.quote(made.table)),
    'indexes and constraints are each for the table that they name',
  }
end

--- Documents of several shapes in one collection.
---@param census lugger.collection_census
---@param made lugger.scaffold.table
---@return string[] paragraphs
---@return string[] route commented lines for the job
function scaffold_advice.shapes(census, made)
  local found
  for _, candidate in ipairs(census.discriminators) do
    if not found and candidate.path ~= '_id' then found = candidate end
  end
  if not found then return {}, {} end
  local kinds, values = {}, {}
  for i, kind in ipairs(found.kinds) do
    if i <= most_kinds then
      kinds[i] = ('%s (%s): %s'):format(kind.value, terminal.group(kind.documents), named(kind.always))
      values[i] = kind.value
    end
  end
  local text = ('%s tells which fields a document has: %s. One table holds them all, with NULLs; a table for each '
    .. 'value is one line, below (each gets all columns).'):format(found.path,
    table.concat(kinds, '; '))
  return { text }, route_lines(found.path, values, made)
end

local function is_tenant(path)
  if path.depth ~= 1 or path.kind ~= 'field' then return false end
  local word = names.snake_case(path.name):gsub('_id$', ''):gsub('_name$', ''):gsub('_key$', '')
  return tenant_words[word] and tonumber(path.missing) == 0 and tonumber(path.distinct) > 1
    and tonumber(path.distinct) * 2 <= tonumber(path.present)
end

--- A field that identifies the tenant of a document.
---@param census lugger.collection_census
---@param made lugger.scaffold.table
---@return string[] paragraphs
function scaffold_advice.tenants(census, made)
  for _, path in ipairs(census.paths) do
    if is_tenant(path) then
      local top = path.top[1] and path.top[1].value or 'a'
      return { ('%s looks like a tenant: %s%s of them. One table with this column and row level security is the usual '
        .. 'way, and what stands here. A table or a schema for each: %s. That is hard to undo once the data is in, so '
        .. 'decide first.')
        :format(path.path, path.distinct_exact and '' or 'about ', terminal.group(path.distinct),
          ('route = { from = %s, tables = { [%s] = %s, ... } }'):format(lua_text.quote(path.path), lua_text.quote(top),
            lua_text.quote('tenant_1.' .. made.table:match('[^.]+$')))) }
    end
  end
  return {}
end

--- Documents that no mapping can load.
---@param census lugger.collection_census
---@return string[] paragraphs
function scaffold_advice.faults(census)
  local list = {}
  if tonumber(census.malformed) > 0 then
    local ids = {}
    for i, fault in ipairs(census.faults) do
      if i <= 3 then ids[i] = fault.id ~= '' and fault.id or '#' .. tostring(tonumber(fault.document)) end
    end
    list[1] = ('%s cannot be read, their bytes are not valid (%s): a run rejects them'):format(
      terminal.count(census.malformed, 'document'), census_advice.some(ids))
  end
  for _, broken in ipairs(census.breaks) do
    list[#list + 1] = ('the source breaks off after %s: %s'):format(terminal.count(broken.documents, 'document'),
      broken.message)
  end
  return list
end

--- Columns of documents and arrays without an index on their content.
---@param census lugger.collection_census
---@param made lugger.scaffold.table
---@param indexes lugger.scaffold.index[]
---@return lugger.scaffold.index|nil a comment
function scaffold_advice.gin(census, made, indexes)
  local nested, columns, list = {}, {}, {}
  for _, path in ipairs(census.paths) do
    local first = path.types[1] and path.types[1].type
    nested[path.path] = first == 'document' or first == 'array'
  end
  for _, index in ipairs(indexes) do
    if index.value then columns[#columns + 1] = table.concat(index.value.columns, ' ') end
  end
  local indexed = table.concat(columns, ' ')
  for _, column in ipairs(made.columns) do
    local is_free = column.type == 'jsonb' and not indexed:find(column.name, 1, true)
    if is_free and (column.field == nil or nested[column.field]) then list[#list + 1] = column.name end
  end
  if #list == 0 then return nil end
  return { notes = { ('no index looks into %s; when queries do, by containment (@>): CREATE INDEX CONCURRENTLY ON %s '
    .. 'USING gin (%s jsonb_path_ops)'):format(named(list), sql_text.table(made.table), sql_text.name(list[1])) } }
end

return scaffold_advice
