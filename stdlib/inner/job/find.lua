-- users:find { age = { ['$gt'] = 30 } }: a query to a source, executed when its result is used.
local config = require 'lugger.inner.cli.config'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'

local find = {}

--- A query to a source. Nothing is read before the answer is looked at: `for doc in query do`, or a method.
---@class lugger.query
---@field source lugger.source
---@field package filter string|nil BSON
---@field package order table|nil
---@field package predicates (fun(doc: lugger.doc): any)[]
---@field package skipped integer|nil
---@field package limited integer|nil
---@field package fields lugger.native.projection|nil
local query = {}

-- An object without fields, not a table: Lua's # asks the metatable of no table, and would say 0.
local model = newproxy(true)
local meta = getmetatable(model)
local fields_of = setmetatable({}, { __mode = 'k' })
meta.__name, meta.lugger_methods = 'query', query
meta.__index = function(self, name)
  local field = fields_of[self][name]
  if field ~= nil then return field end
  return query[name]
end
meta.__newindex = function(self, name, v) fields_of[self][name] = v end
meta.__len = function(self) methods.refuse_loop(self, '#') end

---@param fields table
---@return lugger.query
local function new(fields)
  local self = newproxy(model) --[[@as lugger.query]]
  fields_of[self] = fields
  return self
end

local function changed(self, key, v)
  local out = { source = self.source, predicates = self.predicates }
  for _, name in ipairs { 'filter', 'order', 'skipped', 'limited', 'fields' } do out[name] = self[name] end
  out[key] = v
  return new(out)
end

local function whole(name, number)
  if type(number) ~= 'number' or number < 0 or number ~= math.floor(number) then
    fault.raise('config', (':%s wants a whole number'):format(name), (':%s(5)'):format(name))
  end
  return number
end

--- Limits the result to this number of documents.
---@param count integer
---@return lugger.query
function query:limit(count)
  return changed(self, 'limited', whole('limit', count))
end

--- Skips this number of documents.
---@param count integer
---@return lugger.query
function query:skip(count)
  return changed(self, 'skipped', whole('skip', count))
end

--- Sorts in MongoDB's order: `:sort 'age'`, `:sort('age', -1)`, `:sort { { 'age', -1 }, 'name' }`. It sorts in memory:
--- with :limit(n) it keeps only n documents, otherwise all matching documents must fit into 64 MB.
---@param keys string|table
---@param direction 1|-1|nil of a single path; 1 when not given
---@return lugger.query
function query:sort(keys, direction)
  local order = {}
  local function add(path, way)
    if type(path) ~= 'string' or (way ~= 1 and way ~= -1) then
      fault.raise('config', ':sort wants paths and directions', ":sort { { 'age', -1 }, 'name' }")
    end
    order[#order + 1] = { path, way == -1 }
  end
  if type(keys) == 'string' then
    add(keys, direction == nil and 1 or direction)
  elseif direction ~= nil then
    fault.raise('config', ':sort takes a direction behind a single path', ":sort('age', -1) or :sort { { 'age', -1 }, "
      .. "'name' }")
  elseif type(keys) == 'table' then
    for _, item in ipairs(keys) do
      if type(item) == 'table' then add(item[1], item[2] or 1) else add(item, 1) end
    end
    local named = {}
    for path in pairs(keys) do
      if type(path) == 'string' then named[#named + 1] = path end
    end
    if #named > 1 then
      fault.raise('config', ':sort: a table of names has no order', ":sort { { 'age', -1 }, { 'name', 1 } }")
    end
    for _, path in ipairs(named) do add(path, keys[path]) end
  end
  if #order == 0 then fault.raise('config', ':sort wants a path', ":sort 'age'") end
  return changed(self, 'order', order)
end

--- Keeps only these fields: `:project { 'email', 'address.city' }`; with `false`, all except these: `:project { notes =
--- false }`. _id is kept unless it is set to `false`. Fields keep their order and their types.
---@param fields table
---@return lugger.query
function query:project(fields)
  if type(fields) ~= 'table' then fault.raise('config', ':project takes a table of fields', ":project { 'email' }") end
  local keep, drop, id = {}, {}, nil
  for key, v in pairs(fields) do
    local path, wanted = key, v ~= false and v ~= 0
    if type(key) == 'number' then path, wanted = v, true end
    if type(path) ~= 'string' or (type(key) == 'string' and type(v) ~= 'boolean' and type(v) ~= 'number') then
      fault.raise('config', ':project takes names of fields, or fields with true or false', ":project { 'email' }")
    end
    if path == '_id' then
      id = wanted
    elseif wanted then
      keep[#keep + 1] = path
    else
      drop[#drop + 1] = path
    end
  end
  if #keep > 0 and #drop > 0 then
    fault.raise('config', ':project takes fields to keep, or fields to leave out, not both')
  end
  local keeps = #keep > 0 or (id == true and #drop == 0)
  local paths = keeps and keep or drop ---@type string[]
  if keeps == (id ~= false) then paths[#paths + 1] = '_id' end
  return changed(self, 'fields', #paths > 0 and native.projection(keeps, paths) or nil)
end

--- Keeps documents for which a Lua function returns true, after the other conditions: `:where(function(doc) return
--- doc.email:find '@x' end)`.
---@param predicate fun(doc: lugger.doc): any
---@return lugger.query
function query:where(predicate)
  if type(predicate) ~= 'function' then fault.raise('config', ':where wants a function') end
  local list = {}
  for i, one in ipairs(self.predicates) do list[i] = one end
  list[#list + 1] = predicate
  return changed(self, 'predicates', list)
end

local function projected(doc, fields)
  if not fields then return document.methods.copy(doc) end
  return document.from_bson(fields:apply(document.to_bson(doc)))
end

local function all_hold(predicates, doc)
  for _, predicate in ipairs(predicates) do
    if not predicate(doc) then return false end
  end
  return true
end

-- What the native cursor does itself. With predicates in Lua it must not apply skip and limit, which come after them.
local function cursor_of(self)
  local asked = { filter = self.filter, sort = self.order, batch_rows = nil }
  local native_count = #self.predicates == 0
  if native_count then asked.skip, asked.limit = self.skipped, self.limited end
  return self.source:cursor { find = asked }, native_count
end

--- Iterates over the documents: `for doc in users:find{}:docs() do`. Each is a copy that may be kept; nothing else is
--- held in memory.
---@return fun(): lugger.doc|nil
function query:docs()
  local cursor, counted = cursor_of(self)
  local skip, left = counted and 0 or self.skipped or 0, counted and math.huge or self.limited or math.huge
  local batch, index = nil, 0 ---@type lugger.batch|nil, integer
  return function()
    while left > 0 do
      index = index + 1
      local doc = batch and batch[index]
      if doc then
        if all_hold(self.predicates, doc) then
          if skip > 0 then
            skip = skip - 1
          else
            left = left - 1
            return projected(doc, self.fields)
          end
        end
      else
        batch, index = cursor:next(), 0
        if not batch then break end
      end
    end
    cursor:close()
  end
end

--- The first document, nil when there is none.
---@return lugger.doc|nil
function query:first()
  return self:limit(math.min(self.limited or 1, 1)):docs()()
end

--- The number of documents; reads all of them.
---@return integer
function query:count()
  if #self.predicates > 0 then
    local count = 0
    for _ in self:docs() do count = count + 1 end
    return count
  end
  local cursor = cursor_of(changed(self, 'order', nil))
  local count = cursor:count()
  cursor:close()
  return count
end

--- The documents as a list of at most `most` (10,000 when not given); more is an error.
---@param most integer|nil
---@return lugger.doc[]
function query:list(most)
  most = most or 10000
  local out = {}
  for doc in self:docs() do
    if #out == most then
      fault.raise('config', ('there are more than %d documents'):format(most),
        ':limit(n) takes the first, :docs() goes over all')
    end
    out[#out + 1] = doc
  end
  return out
end

local goes_on = setmetatable({}, { __mode = 'k' }) -- the iteration that gave a document, by the document

-- `for doc in users:find { ... } do`: each loop has its own iteration, also two over one query.
meta.__call = function(self, _, doc)
  local first = rawequal(doc, nil)
  local next_doc = first and self:docs() or goes_on[doc]
  if not next_doc then
    fault.raise('config', 'a query is called by a loop only', 'for doc in users:find { age = 31 } do ... end')
  end
  if not first then goes_on[doc] = nil end
  local found = next_doc()
  if found ~= nil then goes_on[found] = next_doc end
  return found
end

meta.__tostring = function(self)
  return ('query of %s'):format(tostring(self.source))
end

--- True for the result of source:find.
---@param v any
---@return boolean
function find.is(v)
  return type(v) == 'userdata' and getmetatable(v) == meta
end

--- Makes a query to a source, for source:find.
---@param source lugger.source
---@param filter table|nil
---@return lugger.query
function find.new(source, filter)
  local fits = filter == nil or document.is(filter) or (type(filter) == 'table' and #filter == 0)
  if not fits then
    config.raise(('find wants conditions by field, not a %s'):format(type(filter) == 'table' and 'list'
      or type(filter)),
      "users:find { age = { ['$gt'] = 30 } }")
  end
  local empty = filter == nil or (type(filter) == 'table' and next(filter) == nil)
  local bson = not empty and require('lugger.json').to_bson(filter --[[@as table]]) or nil
  local self = new { source = source, filter = bson, predicates = {} }
  if bson then native.check_filter(bson) end
  return self
end

find.methods = {} -- their names
for name in pairs(query) do find.methods[#find.methods + 1] = name end
methods.close('query', query, meta, { 'filter', 'order', 'skipped', 'limited', 'fields' })

return find
