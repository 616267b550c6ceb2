-- Names for completion that come from open sessions and sources: tables and columns, paths of documents. They are read
-- once and refreshed from time to time. Pressing a key never opens a connection.
local document = require 'lugger.inner.base.document'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local sql_db = require 'lugger.inner.sql.db'

local completion_names = {}

local fresh_for = 60 -- seconds
local sampled = 200 -- documents

local known = setmetatable({}, { __mode = 'k' })

local function cached(owner, learn)
  local entry, now = known[owner], native.system.monotonic()
  if entry and now - entry.at < fresh_for then return entry.names end
  local ok, names = pcall(learn)
  known[owner] = { at = now, names = ok and names or entry and entry.names or {} }
  return known[owner].names
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

--- Tables and columns of a connected session.
---@param db lugger.db
---@return string[]
function completion_names.of_session(db)
  local session = sql_db.backend(db)
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

local function add_paths(doc, prefix, depth, seen, names)
  for name, v in document.each(doc) do
    -- Skips array levels, as find does; array indices are not names.
    local path = type(name) == 'number' and prefix or prefix == '' and name or prefix .. '.' .. name
    if path ~= '' and not seen[path] then seen[path], names[#names + 1] = true, path end
    if document.is(v) and depth < 5 then add_paths(v, path, depth + 1, seen, names) end
  end
end

--- Paths of the first documents of a source.
---@param source lugger.source
---@return string[]
function completion_names.of_source(source)
  return cached(source, function()
    local names, seen = {}, {}
    for doc in source:find():limit(sampled):docs() do add_paths(doc, '', 1, seen, names) end
    return names
  end)
end

--- Paths of every source that the prompt has a global for.
---@param environment table
---@return string[]
function completion_names.of_sources(environment)
  local names = {}
  for _, v in pairs(environment) do
    if place.is(v, 'source') then
      for _, name in ipairs(completion_names.of_source(v)) do names[#names + 1] = name end
    end
  end
  return names
end

--- The session that a word at the prompt refers to.
---@param state table
---@param word string
---@return lugger.db|nil
function completion_names.session(state, word)
  if word == 'pg' then
    local ok, session = pcall(state.pg_default)
    return ok and session or nil
  end
  local v = rawget(state.environment, word)
  return sql_db.is(v) and v or nil
end

return completion_names
