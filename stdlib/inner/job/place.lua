-- Sources and targets in scripts: a place and its options. Nothing is opened before it is needed.
local config = require 'lugger.inner.cli.config'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local json = require 'lugger.json'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local seen_secrets = require 'lugger.inner.base.seen_secrets'

local place = {}

local last_target

---@class lugger.place_model an option of every place
---@field embed lugger.embedder|nil the model that made its vectors, for texts that are searched for

-- Options other than strings, numbers and booleans are passed as JSON text ({ createdAt = { ['$gte'] = date } }).
local function plain_options(options)
  local out = {}
  for key, v in pairs(options or {}) do
    if key == 'embed' then
      v = nil
    elseif type(v) == 'table' then
      local list = #v > 0
      for _, item in ipairs(v) do list = list and type(item) == 'string' end
      if not list then v = json.encode(v, 'canonical') end
    elseif type(v) == 'cdata' then
      v = tostring(v)
    end
    out[key] = v
  end
  return out
end

-- The model that makes vectors of texts belongs to the place, and is no option of its kind.
local function model_of(options)
  local model = options and options.embed
  if model ~= nil and not require('lugger.inner.job.embed').is(model) then
    fault.raise('config', ('embed is a lugger.embed { ... }, not a %s'):format(type(model)),
      "embed = lugger.embed { url = 'http://localhost:8080/v1', model = 'e5-small' }")
  end
  return model
end

local function check(what, where, options)
  if type(where) ~= 'string' then
    fault.raise('config', ('lugger.%s wants a place as text, not a %s'):format(what, type(where)),
      what == 'source' and "lugger.source('dump/shop/users.bson')"
        or "lugger.target(lugger.env.PG_URI, { table = 'users' })")
  end
  if options ~= nil and type(options) ~= 'table' then
    fault.raise('config', ('the options of lugger.%s are a table, not a %s'):format(what, type(options)))
  end
  if effects.watched then seen_secrets.note_place(where) end
end

local function shown(self)
  local name = self.options.collection or self.options.table
  return native.system.mask_secrets(self.place) .. (name and ' ' .. name or '')
end

--- A place that documents are read from. Nothing is opened before it is used.
---@class lugger.source
---@field place string as written; may hold a password
---@field options table<string, any>
---@field embed lugger.embedder|nil the model that made its vectors
---@field package native lugger.native.source|nil
local source = {}
local source_meta = { __index = source, __name = 'source' }
source_meta.__tostring = function(self) return 'source ' .. shown(self) end

local function open(self)
  if not self.native then self.native = native.source(self:resolved(), self.options) end
  return self.native
end

--- The place to open: that of --from, or the URL of a named connection. It may contain a password.
---@return string
---@internal
function source:resolved()
  return config.resolve(self.place, 'from')
end

local description_meta = {
  __name = 'description',
  __tostring = function(self) return require('lugger.inner.view.describe').fields(self) end,
}

local census_meta = {
  __name = 'place_census',
  __tostring = function(self) return require('lugger.inner.census.view').place(self) end,
}

--- Reads the source and describes its fields: how frequent, which types, which column suits. Prints as a table.
---@param limit integer|nil documents to read; all when not given
---@return lugger.description
function source:describe(limit)
  return setmetatable(native.describe(self:resolved(), self.options, limit or 0), description_meta)
end

local floating = { real = true, ['double precision'] = true, numeric = true } ---@type table<string, boolean>

-- The columns of a table or query with the types that they have. What a row holds is kept: NaN, and JSON's null apart
-- from NULL.
local function columns_of_rows(fields, computed)
  local columns = {}
  for _, field in ipairs(fields) do
    if not computed[field.path] then
      local path = field.path:gsub('[%.\\%*%[]', '\\%0')
      local column = { field.path, field.suggests }
      if path ~= field.path then column.from = path end
      if field.suggests == 'jsonb' or field.suggests == 'json' then column.json_null = true end
      if floating[field.suggests:match '^[^([]*'] or field.suggests:find '^vectors%.' then
        column.non_finite = 'keep'
      end
      columns[#columns + 1] = column
    end
  end
  return columns
end

-- The words of a text that a table computes itself (text_search): its copy computes them again, if it is to have them.
local function computed_columns(self)
  local computed = {} ---@type table<string, boolean>
  if not self.options.table then return computed end
  for _, column in ipairs(native.target(self:resolved(), {}):columns(self.options.table)) do
    computed[column.name] = column.generated and column.type == 'tsvector'
  end
  return computed
end

--- Columns for everything in the source, as columns = 'auto' would make them, to be edited. The columns of a table or
--- query have the types that they have there; no row is read for them. A generated tsvector is left out.
---@param limit integer|nil documents to read; all when not given
---@return table[]
function source:columns(limit)
  if open(self):info().rows then return columns_of_rows(self:describe(1).fields, computed_columns(self)) end
  local columns, taken = {}, {} ---@type table[], table<string, boolean>
  for _, field in ipairs(self:describe(limit).fields) do
    if field.path == '_id' then
      columns[#columns + 1] = { 'id', 'uuid', generate = 'v5' }
      columns[#columns + 1] = { 'mongo_id', 'text', from = '_id', required = true }
    elseif not field.path:find('[%.%[]') then
      columns[#columns + 1] = { field.path, field.suggests }
      taken[field.path] = true
    elseif field.suggests:find '^vector' then -- one of several, in a document of vectors
      local name = field.path:match('[^.]+$')
      columns[#columns + 1] = { taken[name] and field.path:gsub('%.', '_') or name, field.suggests, from = field.path }
    end
  end
  return columns
end

--- Counts everything: every path of every document, with shares, ranges, examples of minority types, references, and
--- the column that suits. Prints as a table, for one collection or for each collection of the place.
---@param settings lugger.census_settings|nil
---@return lugger.place_census
function source:census(settings)
  return setmetatable(require('lugger.inner.census.census').take(self.place, self.options, settings), census_meta)
end

--- What is known without reading documents.
---@return lugger.source_info
function source:info()
  return open(self):info()
end

--- The collections of the place. Warns of data that will not be read.
---@return lugger.collection_info[]
function source:collections()
  local found = native.look_at_place(self:resolved(), self.options)
  require('lugger.inner.view.oplog').advise(found.warnings)
  return found.collections
end

--- Its parts, for cursors that read side by side: `docs:cursor { partition = part }`.
---@param parts integer about so many; a source that cannot be split has one
---@return lugger.partition[]
function source:split(parts)
  return open(self):split(parts)
end

--- Opens a cursor: reads batch by batch.
---@param options { after: string?, batch_rows: integer?, batch_bytes: integer?, partition: lugger.partition? }|nil
---@return lugger.cursor
function source:cursor(options)
  return require('lugger.inner.job.cursor').new(open(self), options)
end

--- Queries documents in MongoDB's query language: `users:find { age = { ['$gt'] = 30 } }:limit(5)`. Nothing is read
--- before the result is used. `help 'repl'` lists the operators.
---@param filter table<string, any>|nil
---@return lugger.query
function source:find(filter)
  return require('lugger.inner.job.find').new(self, filter)
end

--- The vectors nearest to one, by the store's own search and its index; a file is read once, and each of its vectors
--- compared. Prints as a table.
---@param query lugger.vector|number[]|string a vector, or a text
---@param options lugger.search_options|nil { k = 10, column =, metric =, filter = { tenant = 'acme' } }
---@return lugger.search_result
function source:search(query, options)
  return require('lugger.inner.job.search').run(open(self), self.embed, query, options, self.options.key)
end

--- A place that rows are written to. Nothing is opened before it is used.
---@class lugger.target
---@field place string as written; may hold a password
---@field options table<string, any>
---@field embed lugger.embedder|nil the model that makes its vectors
---@field package native lugger.native.target|nil
local target = {}
local target_meta = { __index = target, __name = 'target' }
target_meta.__tostring = function(self) return 'target ' .. shown(self) end

--- The place to open: that of --into, or the URL of a named connection. It may contain a password.
---@return string
---@internal
function target:resolved()
  return config.resolve(self.place, 'into')
end

--- The columns of an existing table; empty when the table does not exist.
---@param table string|nil the table of its options when not given
---@return lugger.target_column[]
function target:columns(table)
  if not self.native then self.native = native.target(self:resolved(), self.options) end
  return self.native:columns(table or self.options.table or fault.raise('config', 'of which table?'))
end

--- The same as columns().
---@return lugger.target_column[]
function target:describe()
  return self:columns()
end

-- Options to read from the same place with: a target's table may be a class or a collection there.
local function reading_options(self)
  local options, takes = {}, {}
  for _, known in ipairs(native.source_options(self:resolved())) do takes[known.name] = true end
  for name, v in pairs(self.options) do
    if takes[name] then options[name] = v end
  end
  if takes.collection and not takes.table then options.collection = self.options.table end
  return options
end

--- The vectors nearest to one, as source:search finds them.
---@param query lugger.vector|number[]|string a vector, or a text
---@param options lugger.search_options|nil
---@return lugger.search_result
function target:search(query, options)
  local opened = native.source(self:resolved(), reading_options(self))
  return require('lugger.inner.job.search').run(opened, self.embed, query, options, self.options.key)
end

--- The ledger of the target: runs, rejects, partitions.
---@return lugger.native.state
function target:state()
  return native.state(self:resolved(), self.options)
end

--- Where documents come from. Opened when it is used.
---@param where string path, URL, name of a connection
---@param options lugger.source_options|lugger.place_model|nil
---@return lugger.source
function place.source(where, options)
  check('source', where, options)
  return setmetatable({ place = where, options = plain_options(options), embed = model_of(options) }, source_meta)
end

--- Where rows go. Opened when it is used.
---@param where string URL, local:DIR, file.jsonl, name of a connection
---@param options lugger.target_options|lugger.place_model|nil
---@return lugger.target
function place.target(where, options)
  check('target', where, options)
  last_target = where
  return setmetatable({ place = where, options = plain_options(options), embed = model_of(options) }, target_meta)
end

--- How the vectors of a source or target were made, as far as it says.
---@param v lugger.source|lugger.target
---@return lugger.vector_manifest[]
function place.manifests(v)
  if place.is(v, 'source') then
    ---@cast v lugger.source
    return v:info().manifests
  end
  ---@cast v lugger.target
  return native.source(v:resolved(), reading_options(v)):info().manifests
end

--- The place of the most recent target.
---@return string|nil
function place.last_target()
  return last_target and config.resolve(last_target, 'into')
end

--- True for the results of place.source and place.target.
---@param v any
---@param what "source"|"target"
---@return boolean
function place.is(v, what)
  local meta = type(v) == 'table' and getmetatable(v)
  return meta == (what == 'source' and source_meta or target_meta)
end

methods.close('source', source, source_meta, { 'native', 'embed' })
methods.close('target', target, target_meta, { 'native', 'embed' })

return place
