-- How the vectors of one side were made: of a place by its manifest, or of a model that is only thought of.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local known_models = require 'lugger.inner.vector.known_models'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local making = {}

---@class lugger.vector.making
---@field shown string for a reader: "embedding of docs in postgresql://localhost/app"
---@field place string|nil masked; nil: nothing but a model
---@field model string|nil
---@field revision string|nil
---@field prefix string|nil
---@field pooling string|nil
---@field truncation integer|nil
---@field dimensions integer|nil
---@field normalised boolean|nil
---@field metric string|nil
---@field documents number|nil how many there are, or about

---@class lugger.vector.side
---@field making lugger.vector.making
---@field source lugger.source|nil

--- The facts of a manifest, in the order in which they are told.
making.facts = { 'model', 'revision', 'dimensions', 'prefix', 'pooling', 'truncation', 'metric', 'normalised' }

-- What nobody has said is "" or 0 in a manifest.
local function fill_in(into, manifest)
  for _, name in ipairs(making.facts) do
    local v = manifest[name]
    if into[name] == nil and v ~= nil and v ~= '' and v ~= 0 then
      into[name] = type(v) == 'cdata' and tonumber(v) or v
    end
  end
end

local function know_dimensions(of)
  local known = of.model and known_models[of.model]
  if known and not of.dimensions then of.dimensions = known.dimensions end
end

local function of_facts(facts, shown)
  local out = { shown = shown or facts.model or 'vectors that nothing is said of' }
  fill_in(out, facts)
  know_dimensions(out)
  return out
end

local function one_of(names, word, where)
  if #names == 1 then return names[1] end
  if #names == 0 then
    config.raise(('no column of %s is known to hold vectors'):format(where), ('name it: %s#COLUMN'):format(word))
  end
  table.sort(names)
  config.raise(('%s has several columns with vectors: %s'):format(where, table.concat(names, ', ')),
    ('name one: %s#%s'):format(word, names[1]))
end

-- A file beside JSON lines: { "embedding": { "model": ... } }, or the manifest of one column.
local function of_manifest_file(path, column, word)
  local held = native.json_tables(system.read_file(path))
  if type(held.model) == 'string' then return of_facts(held, word) end
  local names = {}
  for name, v in pairs(held) do
    if type(v) == 'table' then names[#names + 1] = name end
  end
  local name = column or one_of(names, word, word)
  if type(held[name]) ~= 'table' then
    config.raise(('%s says nothing of %s'):format(path, name), fault.near(name, names))
  end
  return of_facts(held[name], ('%s of %s'):format(name, path))
end

local function manifest_for(info, column)
  for _, one in ipairs(info.manifests) do
    if one.column == column or one.column == 'vectors.' .. column then return one end
  end
end

local vector_types = { vector = true, halfvec = true, sparsevec = true } ---@type table<string, boolean>

-- The columns of a table that hold vectors, with the dimensions that their types name; of others what has a manifest.
---@return table<string, integer>
local function candidates(source, info)
  local found = {}
  if info.rows then
    for _, field in ipairs(source:describe(1).fields) do
      local name, length = field.suggests:gsub('^vectors%.', ''):match '^(%a+)%(?(%d*)'
      if name and (vector_types[name] or field.suggests:find '^vectors%.') then
        found[field.path] = tonumber(length) or 0
      end
    end
  else
    for _, one in ipairs(info.manifests) do found[one.column] = tonumber(one.dimensions) end
  end
  return found --[[@as table<string, integer>]]
end

-- The dimensions of the first vector that is there.
local function measured(source, path)
  local cursor, found = source:cursor { batch_rows = 100 }, nil
  local batch = cursor:next()
  local vectors = batch and batch:vectors(path) or { n = 0 }
  for i = 1, vectors.n do
    if vectors[i] and not found then found = #vectors[i] end
  end
  cursor:close()
  return found
end

local counted_exactly = 1000000

-- PostgreSQL knows about how many rows a table has, and counts few enough.
local function rows_of(source)
  if not source.options.table then return nil end
  local session, name = require('lugger').session(source:resolved()), native.sql.table(source.options.table)
  local about = session:query([[SELECT c.reltuples::float8 AS rows FROM pg_catalog.pg_class c
    WHERE c.oid = pg_catalog.to_regclass($1)]], name)
  local rows = about[1] and tonumber(about[1].rows) or 0 ---@type number|nil
  if rows and rows <= counted_exactly then
    rows = tonumber(session:query('SELECT count(*) AS rows FROM ' .. name)[1].rows)
  end
  session:close()
  return rows
end

---@return lugger.vector.side
local function of_source(source, column, word, given)
  local info = source:info()
  local where = (info.collection ~= '' and info.collection .. ' in ' or '') .. info.place
  local found = candidates(source, info)
  local names = {}
  for name in pairs(found) do names[#names + 1] = name end
  column = column or one_of(names, word, where)
  if info.rows and not found[column] then
    config.raise(('%s of %s is no column of vectors'):format(column, where), fault.near(column, names, false))
  end
  local manifest = manifest_for(info, column)
  local out = { shown = ('%s of %s'):format(column, where), place = info.place,
    documents = info.documents and tonumber(info.documents) or nil } ---@type lugger.vector.making
  if manifest then fill_in(out, manifest) end
  for _, name in ipairs(making.facts) do
    if out[name] ~= nil and given[name] ~= nil and out[name] ~= given[name] then
      config.raise(('%s: its manifest says %s %s, and not %s'):format(out.shown, name, tostring(out[name]),
        tostring(given[name])), 'what stands beside the vectors counts; mend it there if it is wrong')
    end
  end
  fill_in(out, given)
  if not out.dimensions and found[column] ~= 0 then out.dimensions = found[column] end
  if not out.dimensions and info.kind ~= 'pinecone' then -- which tells those of dense vectors; sparse ones have none
    out.dimensions = measured(source, manifest and manifest.column or column)
  end
  if info.rows and not out.documents then out.documents = rows_of(source) end
  return { making = out, source = source }
end

local function is_place(word)
  return word:find '://' or word:find '^local:' or word:find '^env:' or config.connection(word) or system.stat(word)
end

local data_files = { jsonl = true, ndjson = true, json = true, bson = true, gz = true, csv = true, manifest = true,
  archive = true, parquet = true } ---@type table<string, boolean>

-- "PLACE#COLUMN"; of places that hold tables "PLACE#TABLE.COLUMN".
local function split(word)
  if system.stat(word) then return word, nil end
  local before, fragment = word:match '^(.+)#([^#]*)$'
  if not before or fragment == '' then return word, nil end
  return before, fragment
end

local function holds_tables(place)
  for _, option in ipairs(native.source_options(place)) do
    if option.name == 'table' then return true end
  end
  return false
end

local function of_word(word, given)
  if word:find '^%s*{' then
    local ok, facts = pcall(native.json_tables, word) ---@type boolean, any
    if not ok then
      config.raise('a side that begins with { is JSON, and this is none', [[{"model": "own", "dimensions": 384}]])
    end
    fault.check_keys('a manifest', facts, making.facts)
    return { making = of_facts(facts) }
  end
  local place, fragment = split(word)
  if system.stat(place) and place:find '%.manifest$' then
    return { making = of_manifest_file(place, fragment, place) }
  end
  if is_place(place) then
    local resolved = config.resolve(place)
    local options, column = {}, fragment
    if holds_tables(resolved) then
      if not fragment then
        config.raise(('which table of %s?'):format(system.mask_secrets(resolved)),
          ('%s#docs.embedding'):format(system.mask_secrets(place)))
      end
      options.table, column = fragment:match '^(.+)%.([^.]+)$'
      options.table = options.table or fragment
    end
    return of_source(require('lugger').source(place, options), column, system.mask_secrets(word), given)
  end
  if data_files[place:match '%.(%a+)$' or ''] or fragment then
    config.raise(('there is no file %s'):format(system.mask_secrets(place)),
      'a place is a path, a URL, env:NAME or a connection; anything else is the name of a model')
  end
  if word:find '^[%a_][%w_]*%.[%a_][%w_]*$' and not known_models[word] then
    terminal.warn(('%s is taken for the name of a model; a column of a table is PLACE#%s, as in env:PG_URI#%s'):format(
      word, word, word))
  end
  return { making = of_facts { model = word } }
end

--- One side: a word of the command line, a source or target, or a table of facts.
---@param v any
---@param model string|nil of a place whose manifest does not say it
---@param role string "from", "to"
---@return lugger.vector.side
function making.of(v, model, role)
  local place = require 'lugger.inner.job.place'
  local given = { model = model }
  if type(v) == 'string' and v ~= '' then return of_word(v, given) end
  if place.is(v, 'source') then return of_source(v, nil, v.place, given) end
  if type(v) == 'table' and place.is(v.source, 'source') then
    fault.check_keys(role, v, { 'source', 'column', unpack(making.facts) })
    fill_in(given, v)
    return of_source(v.source, v.column, v.source.place, given)
  end
  if type(v) ~= 'table' or place.is(v, 'target') then
    fault.raise('config',
      ('vector.decide: %s is a place, the name of a model, a source, or a table'):format(role),
      role .. " = { model = 'text-embedding-3-small', dimensions = 1536 }")
  end
  fault.check_keys(role, v, making.facts)
  return { making = of_facts(v) }
end

--- A fact, for a reader.
---@param name string
---@param v any
---@return string
function making.word(name, v)
  if v == nil then return '-' end
  if type(v) == 'number' then return terminal.group(v) end
  if name == 'prefix' then return ('"%s"'):format(v) end
  if type(v) == 'boolean' then return v and 'yes' or 'no' end
  return terminal.printable(tostring(v))
end

return making
