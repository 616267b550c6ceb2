-- CSV as rows, in a script. As a source of documents it is lugger.source 'customers.csv'.
local codec = require 'lugger.inner.base.codec'
local fault = require 'lugger.inner.base.fault'
local json_text = require 'lugger.inner.base.json_text'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local null = require('lugger.inner.base.value').null

---@class lugger.csv
local csv = {}

---@class lugger.csv.options
---@field header boolean|nil whether the first record has the names of the fields; true when not given
---@field names string[]|nil the names of the fields, in the place of the header's
---@field delimiter string|nil a comma when not given; of a file that ends in .tsv a tab
---@field quote string|nil '"' when not given; '' for none
---@field null string|nil the field, without quotes, that is null; empty when not given

local function each(rows)
  return function() return rows:next() end
end

--- Goes over the records of a file, gzip or not, in little memory: `for row, line in lugger.csv.rows 'a.csv' do`. A row
--- has text by the names of the header; null is nil. Without a header and names it is a list with its length as `n`.
--- `line` is where the record begins. What is no record raises, with its line.
---@param path string
---@param options lugger.csv.options|nil
---@return fun(): table<string, string>|nil, integer
function csv.rows(path, options)
  if type(path) ~= 'string' then fault.raise('config', 'lugger.csv.rows takes the path of a file') end
  if path:find('\n', 1, true) then
    fault.raise('config', 'lugger.csv.rows takes the path of a file, and this is text',
      'lugger.csv.parse(text) reads text')
  end
  return each(native.csv.open(path, options or {}))
end

--- As rows(), of CSV that is at hand as text.
---@param text string
---@param options lugger.csv.options|nil
---@return fun(): table<string, string>|nil, integer
function csv.parse(text, options)
  if type(text) ~= 'string' then fault.raise('config', 'lugger.csv.parse takes text') end
  return each(native.csv.parse(text, options or {}))
end

local encoded_kinds = { decimal = true, objectid = true, uuid = true, date = true, int64 = true, binary = true,
  double = true, interval = true, uint64 = true }

-- A value as a field's text; nil for null.
local function field(v, place)
  if v == nil or v == null then return nil end
  local kind = type(v)
  if kind == 'string' then return v end
  if kind == 'number' then
    if v ~= v then return 'NaN' end -- as PostgreSQL reads them
    if math.abs(v) == math.huge then return v > 0 and 'Infinity' or '-Infinity' end
    return json_text.encode(v)
  end
  if kind == 'boolean' or encoded_kinds[codec.type(v)] then return tostring(v) end
  fault.raise('coerce', ('field %s of a row is a %s, and CSV holds text'):format(place, codec.type(v)),
    'lugger.json.encode(v) makes text of it')
end

--- A record of CSV, without a line end: of a list, or of a table by the names that options.names gives in order.
--- Fields are quoted where they must be. nil and null are options.null; other values as tostring gives them.
---@param row any[]|table<string, any>
---@param options lugger.csv.options|nil
---@return string
function csv.encode(row, options)
  if type(row) ~= 'table' then fault.raise('config', 'lugger.csv.encode takes a row as a table') end
  local names = options and options.names
  local count = names and #names or row.n or #row
  local fields = {}
  for i = 1, count do fields[i] = field(row[names and names[i] or i], names and names[i] or tostring(i)) end
  return native.csv.encode(fields, options or {}, count)
end

return methods.module('lugger.csv', csv)
