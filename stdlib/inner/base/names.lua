-- Names for columns and tables: snake case, PostgreSQL's limit of 63 bytes, its reserved words, no duplicates.
local pg_names = require 'lugger.inner.base.pg_names'
local native = require 'lugger.native'

local names = {}

-- Every table has these of its own.
local system_columns = { ctid = true, xmin = true, xmax = true, cmin = true, cmax = true, tableoid = true }

--- createdAt -> created_at, HTTPServer -> http_server, userIDs -> user_ids. Keeps underscores at both ends. Other
--- characters than letters and digits become underscores; letters outside ASCII are kept.
---@param name string
---@return string
function names.snake_case(name)
  local lead, body, tail = name:match('^(_*)(.-)(_*)$')
  local out = body:gsub('[^%w_\128-\255]+', '_')
  out = out:gsub('(%u%u+)s%f[^%l]', function(run) return '_' .. run:lower() .. 's_' end)
  out = out:gsub('(%u+)(%u%l)', '%1_%2'):gsub('([%l%d\128-\255])(%u)', '%1_%2'):lower()
  out = out:gsub('__+', '_'):gsub('^_', ''):gsub('_$', '')
  if out == '' then return name end
  return lead .. out .. tail
end

---@class lugger.names.change
---@field name string the name to use
---@field notes string[] what was done to it, and what to mind
---@field table string|nil of a table: the name with its schema in front, as a target's option `table` takes it

---@class lugger.names.set names already given: by lower case, who has each
---@field [string] string

--- A set of names already given, for names.choose.
---@return lugger.names.set
function names.set()
  return {}
end

--- Refuses an invalid name of a schema: a dot would separate it from a table, and a long name would be truncated.
---@param schema string
function names.check_schema(schema)
  if schema == '' or schema:find('.', 1, true) or native.sql.fitted_name(schema) ~= schema
    or not native.system.is_utf8(schema) then
    require('lugger.inner.base.fault').raise('config', ('"%s" is not the name of a schema'):format(schema),
      'a schema has a name of at most 63 bytes, without a dot')
  end
end

-- The server refuses bytes that are not UTF-8, even in quoted names.
local function readable(name)
  local clean = name:gsub('%z', '')
  return native.system.is_utf8(clean) and clean or clean:gsub('[\128-\255]', '_')
end

--- The names that a table's keys will have. Keys share a namespace with tables and indexes.
---@param bare string name of the table, without its schema
---@return string[]
function names.of_keys(bare)
  return { native.sql.fitted_name(bare, '_pkey'), native.sql.fitted_name(bare .. '_mongo_id', '_key') }
end

local function is_free(name, used, kind)
  if used[name:lower()] then return false end
  if kind ~= 'table' then return true end
  for _, key in ipairs(names.of_keys(name)) do
    if used[key:lower()] then return false end
  end
  return true
end

--- A name that PostgreSQL accepts and that differs from all names of the set, ignoring case; the name of a table also
--- differs from the names of keys.
---@param wanted string
---@param used lugger.names.set the choice is added
---@param kind "column"|"table"|"index"
---@return lugger.names.change
function names.choose(wanted, used, kind)
  local notes, name = {}, readable(wanted)
  if name ~= wanted then notes[#notes + 1] = 'its name holds bytes that PostgreSQL takes in no name' end
  if name == '' then
    name = 'unnamed'
    notes[#notes + 1] = 'the field has no name'
  end
  if kind == 'table' then name = name:gsub('%.', '_') end -- a dot would name a schema
  local base = name
  name = native.sql.fitted_name(base)
  if name ~= base then
    notes[#notes + 1] = ('its name has %d bytes, PostgreSQL takes 63'):format(#base)
  end
  if kind == 'column' and system_columns[name] then
    name, base = name .. '_', base .. '_'
    notes[#notes + 1] = ('every table has a system column %s'):format(wanted)
  end
  if kind == 'table' and name:find('^[pP][gG]_') then
    base = base .. '_'
    name = native.sql.fitted_name(base)
    notes[#notes + 1] = 'names that begin with pg_ are of the system'
  end
  if not is_free(name, used, kind) then
    local other, number = used[name:lower()] or 'the key of a table', 2
    while not is_free(name, used, kind) do
      name, number = native.sql.fitted_name(base, '_' .. number), number + 1
    end
    notes[#notes + 1] = ('the name %s is taken by %s'):format(base, other)
  end
  used[name:lower()] = wanted
  if kind == 'table' then
    for _, key in ipairs(names.of_keys(name)) do used[key:lower()] = 'a key of ' .. name end
  end
  if pg_names.is_reserved(name) then
    notes[#notes + 1] = ('"%s" is a word of SQL: write it in quotes'):format(name)
  end
  return { name = name, notes = notes }
end

---@class lugger.names.collection
---@field database string
---@field collection string
---@field type string|nil "view": it is not loaded

-- Names that do not change come before names that are made: order_items before order.items.
local function by_claim(a, b)
  if a.made ~= b.made then return b.made end
  if a.wanted ~= b.wanted then return a.wanted < b.wanted end
  return a.full < b.full
end

--- Names of tables for collections, by "database.collection". They do not depend on which collections are loaded. A dot
--- becomes "_", and the database is put in front when several have a collection of the same name.
---@param list lugger.names.collection[]|lugger.collection_info[] every collection of the place
---@param settings { snake_case: boolean|nil, schema: string|nil }|nil
---@return table<string, lugger.names.change> chosen
---@return lugger.names.set used
function names.of_tables(list, settings)
  local schema = settings and settings.schema
  if schema then names.check_schema(schema) end
  local used, seen, order, chosen = names.set(), {}, {}, {}
  for _, item in ipairs(list) do
    if item.type ~= 'view' then seen[item.collection] = (seen[item.collection] or 0) + 1 end
  end
  for _, item in ipairs(list) do
    local plain = (seen[item.collection] or 0) > 1 and item.database .. '_' .. item.collection or item.collection
    local wanted = plain == '' and 'documents' or plain
    wanted = settings and settings.snake_case and names.snake_case(wanted) or wanted:gsub('%.', '_')
    if item.type ~= 'view' then -- a view has no data of its own
      order[#order + 1] = { wanted = wanted, made = wanted ~= item.collection,
        full = item.database .. '.' .. item.collection }
    end
  end
  table.sort(order, by_claim)
  for _, item in ipairs(order) do
    local change = names.choose(item.wanted, used, 'table')
    used[change.name:lower()] = item.full
    change.table = schema and schema .. '.' .. change.name or change.name
    chosen[item.full] = change
  end
  return chosen, used
end

return names
