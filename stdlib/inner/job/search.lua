-- docs:search(vector, { k = 10 }): the vectors of a source nearest to one, by the search of its store.
local config = require 'lugger.inner.cli.config'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local json = require 'lugger.json'
local null = require('lugger.inner.base.value').null
local table_view = require 'lugger.inner.view.table'
local value_text = require 'lugger.inner.view.value_text'
local tonumber = tonumber --[[@as fun(count: any): number]]

local search = {}

---@class lugger.search_options
---@field k integer|nil how many; 10 when not given
---@field column string|nil which, where several hold vectors
---@field metric "cosine"|"dot"|"l2"|"l1"|"hamming"|"jaccard"|nil that of the index, else cosine
---@field filter table<string, any>|nil only what has these values: { tenant = 'acme' }
---@field key string|string[]|nil what identifies a hit; the key of the store when not given

---@class lugger.search_hit
---@field key string|nil what identifies it; nil where nothing does
---@field score number the cosine or product, or the distance
---@field doc lugger.doc its other columns, without vectors

--- What a search found, nearest first. Prints as a table.
---@class lugger.search_result
---@field [integer] lugger.search_hit
---@field metric string
---@field how string the index and its settings, or what was compared
---@field key string[] the names of what identifies a hit

local known = { 'k', 'column', 'metric', 'filter', 'key' }
local most, most_dimensions = 10000, 100000

local function cell(v)
  if v == nil or v == null then return '' end
  if document.is(v) then return document.methods.json(v, 'plain') end
  return tostring(v)
end

-- The columns of all hits, in the order first seen. What identifies them stands in front.
local function columns_of(found)
  local names, is_known = {}, {}
  for _, name in ipairs(found.key) do is_known[name] = true end
  for _, hit in ipairs(found) do
    for name in document.each(hit.doc) do
      if not is_known[name] then
        is_known[name] = true
        names[#names + 1] = name
      end
    end
  end
  return names
end

local widest = 60

local function text_of(found)
  if #found == 0 then return 'nothing found: ' .. found.how end
  local names, rows = columns_of(found), {}
  local with_key = #found.key > 0
  local headers = { found.metric, unpack(names) }
  if with_key then table.insert(headers, 1, table.concat(found.key, ', ')) end
  for i, hit in ipairs(found) do
    local row = { ('%.6g'):format(hit.score) }
    if with_key then table.insert(row, 1, hit.key) end
    local values = {}
    for name, v in document.each(hit.doc) do values[name] = v end
    for _, name in ipairs(names) do row[#row + 1] = table_view.cut(cell(values[name]), widest) end
    rows[i] = row
  end
  return table_view.render(headers, rows, { right = { [with_key and 2 or 1] = true } }) .. '\n(' .. found.how .. ')'
end

local result_meta = { __name = 'search_result', __tostring = text_of }

local function filter_of(filter)
  if filter == nil then return nil end
  if type(filter) ~= 'table' or #filter > 0 then
    fault.raise('config', 'the filter of a search is a table of columns and values', "filter = { tenant = 'acme' }")
  end
  local names, out = {}, {}
  for name in pairs(filter) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for i, name in ipairs(names) do
    local v = filter[name]
    local plain = type(v) == 'string' or type(v) == 'number' or type(v) == 'boolean'
    if not plain and (type(v) ~= 'cdata' or document.is(v)) then
      fault.raise('config', ('the filter of a search: %s is no text, number or truth'):format(name),
        "only what has this very value is found: filter = { tenant = 'acme' }")
    end
    out[i] = { name, type(v) == 'number' and value_text.of(v) or (tostring(v):gsub('U?LL$', '')) }
  end
  return out
end

---@class lugger.search_request
---@field k integer
---@field column string|nil
---@field metric string|nil
---@field filter string[][]|nil
---@field key string[]|nil
---@field query string|nil
---@field text string|nil

---@return lugger.search_request
local function request_of(options, key)
  options = options or {}
  if type(options) ~= 'table' then
    fault.raise('config', ('the options of a search are a table, not a %s'):format(type(options)), '{ k = 10 }')
  end
  fault.check_keys('search', options, known)
  local k = options.k or 10
  if type(k) ~= 'number' or k < 1 or k > most or k ~= math.floor(k) then
    fault.raise('config', ('search: k is a whole number from 1 to %d'):format(most), '{ k = 10 }')
  end
  key = options.key or key
  return { k = k --[[@as integer]], column = options.column, metric = options.metric,
    filter = filter_of(options.filter), key = type(key) == 'string' and { key } or key }
end

-- A vector as pgvector prints it: '[0.1,0.2]', '{1:0.5}/30000'. nil: any other text.
---@param text string
---@return lugger.vector|nil
local function spelled(text)
  if text:find '^%s*%[[%d%s.,eE+-]*%]%s*$' then return require('lugger.vector').of(text) end
  local elements, dimensions = text:match '^%s*{([%d%s.,:eE+-]*)}/(%d+)%s*$'
  local count = tonumber(dimensions)
  if not count or not elements then return nil end
  if count < 1 or count > most_dimensions then
    fault.raise('config', ('a sparse vector of %s dimensions cannot be searched for'):format(dimensions),
      ('at most %d'):format(most_dimensions))
  end
  local list = {}
  for i = 1, count do list[i] = 0 end
  for place, number in elements:gmatch '(%d+)%s*:%s*([^,%s]+)' do
    local at, of = tonumber(place), tonumber(number)
    if not of or not at or at < 1 or at > count then
      fault.raise('config', ('%s:%s is no element of a sparse vector of %d dimensions'):format(place, number, count),
        "a sparse vector is '{1:0.5,7:1}/1000', with places from 1")
    end
    list[at] = of
  end
  return require('lugger.vector').of(list)
end

--- Searches a source, for source:search.
---@param opened lugger.native.source
---@param model lugger.embedder|nil
---@param query any
---@param options lugger.search_options|nil
---@param key string|string[]|nil the place's own, where the options name none
---@return lugger.search_result
function search.run(opened, model, query, options, key)
  local request = request_of(options, key)
  if query == nil or query == '' then
    config.raise('search wants a vector or a text', "docs:search({ 0.1, 0.2 }, { k = 10 })")
  end
  local v ---@type lugger.vector|nil
  if type(query) ~= 'string' then
    v = require('lugger.vector').of(query)
  else
    v = spelled(query)
    if not v and model then
      local info = opened:info()
      require('lugger.inner.vector.same_model').check(model, info.manifests, request.column, info.place)
      v = model:vector(query)
    end
    if not v then request.text = query end
  end
  if v then request.query = ffi.string(v.data, v.size * 4) end
  local answer = opened:search(request)
  local found = { metric = answer.metric, how = answer.how, key = answer.key }
  for i, hit in ipairs(answer.hits) do
    found[i] = { key = #answer.key > 0 and hit.key or nil, score = tonumber(hit.score),
      doc = json.decode(hit.document, 'plain') }
  end
  return setmetatable(found, result_meta)
end

return search
