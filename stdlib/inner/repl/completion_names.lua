-- Names for completion that come from open sessions and sources: tables and columns, paths of documents. They are read
-- once and refreshed from time to time. Pressing a key never opens a connection.
local annotations = require 'lugger.inner.cli.annotations'
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local document = require 'lugger.inner.base.document'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local sql_db = require 'lugger.inner.sql.db'
local sql_session = require 'lugger.inner.sql.session'

local completion_names = {}

local fresh_for = 60 -- seconds
local sampled = 200 -- documents
local patience = 0.3 -- seconds, for documents that are very large

local known = setmetatable({}, { __mode = 'k' }) ---@type table<any, { at: number, names: string[] }|nil>

local function cached(owner, learn)
  local entry, now = known[owner], native.system.monotonic()
  if entry and now - entry.at < fresh_for then return entry.names end
  local ok, names = pcall(learn) ---@type boolean, any
  local read = { at = now, names = ok and names or entry and entry.names or {} }
  known[owner] = read
  return read.names
end

local catalog = [[
select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
   and n.nspname !~ '^pg_toast'
union
select a.attname from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f')
   and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'
 order by 1 limit 20000]]

-- Tables and columns of a session, when it is connected.
local function of_backend(session)
  if not session.native or session:state() == 'failed' or session:state() == 'lost' then return {} end
  return cached(session, function()
    local names = {}
    for i, row in ipairs(session.native:fetch(catalog)[1].rows) do
      local name = row[1]
      names[i] = name:find '^[%l_][%l%d_]*$' and name or native.sql.name(name)
    end
    return names
  end)
end

--- Tables and columns of a session.
---@param db lugger.db
---@return string[]
function completion_names.of_session(db)
  return of_backend(sql_db.backend(db))
end

local function add_paths(doc, prefix, depth, seen, names)
  for name, v in document.each(doc) do
    -- Skips array levels, as find does; array indices are not names.
    local path = type(name) == 'number' and prefix or prefix == '' and name or prefix .. '.' .. name
    if path ~= '' and not seen[path] then seen[path], names[#names + 1] = true, path end
    if document.is(v) and depth < 5 then add_paths(v, path, depth + 1, seen, names) end
  end
end

-- Files that are read at once. Archives and compressed files are read from their beginning up to a collection, servers
-- may be far away or not run, and standard input is read once.
local function is_quick(where)
  if where:find '^%a[%w+.-]+:' or where == '-' or where:find '%.gz$' or where:find '%.archive$' then return false end
  local found = native.system.stat(where)
  return found ~= nil and (found.is_file or found.is_dir)
end

--- Paths of the first documents of a source, when these are in a file that is read at once.
---@param source lugger.source
---@return string[]
function completion_names.of_source(source)
  return cached(source, function()
    local names, seen = {}, {}
    if not is_quick(source:resolved()) then return names end
    local stop = native.system.monotonic() + patience
    for doc in source:find():limit(sampled):docs() do
      add_paths(doc, '', 1, seen, names)
      if native.system.monotonic() > stop then break end
    end
    return names
  end)
end

--- Paths of every source that the prompt has a global for.
---@param environment table
---@return string[]
function completion_names.of_sources(environment)
  local names = {}
  for _, v in next, environment do
    if place.is(v, 'source') then
      for _, name in ipairs(completion_names.of_source(v)) do names[#names + 1] = name end
    end
  end
  return names
end

local collections = {}

--- The collections of a place, when it is a dump that is read at once.
---@param where string
---@return string[]
function completion_names.of_place(where)
  if not is_quick(where) then return {} end
  collections[where] = collections[where] or {}
  return cached(collections[where], function()
    local names = {}
    for _, one in ipairs(native.look_at_place(where, {}).collections) do
      names[#names + 1] = one.database ~= '' and one.database .. '.' .. one.collection or one.collection
      names[#names + 1] = one.collection
    end
    return names
  end)
end

--- Tables and columns of the databases that are open: of one place, else of all.
---@param where string|nil
---@return string[]
function completion_names.of_open(where)
  local names = {}
  for _, session in ipairs(sql_session.list()) do
    if not where or session.name == where then
      for _, name in ipairs(of_backend(session)) do names[#names + 1] = name end
    end
  end
  return names
end

--- The session that a value at the prompt speaks to.
---@param state table
---@param value any
---@return lugger.db|nil
function completion_names.session(state, value)
  if value ~= nil and value == state.words.pg then
    local ok, session = pcall(state.pg_default)
    return ok and session or nil
  end
  return sql_db.is(value) and value or nil
end

--- The connections of lugger.toml.
---@return string[]
function completion_names.connections()
  return config.connections()
end

--- What help takes as text: commands, pages of the manual, functions.
---@return string[]
function completion_names.topics()
  local names = cli.commands()
  for _, name in ipairs(native.embedded_names 'docs/') do names[#names + 1] = name:match '^docs/(.+)%.md$' end
  for _, entry in ipairs(annotations.entries()) do
    if entry.public and entry.kind == 'function' then names[#names + 1] = entry.name:gsub('^lugger%.', '') end
  end
  return names
end

return completion_names
