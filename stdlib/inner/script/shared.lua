-- lugger.shared: a large table for reading, made once and read by all workers. It lies outside of any Lua state; values
-- become Lua values when they are read.
local abi = require 'lugger.inner.base.abi'
local buffer = require 'string.buffer'
local bson = require 'lugger.inner.base.bson'
local codec = require 'lugger.inner.base.codec'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local marks = require 'lugger.inner.base.marks'
local native = require 'lugger.native'
local value = require 'lugger.inner.base.value'
local C, types = abi.C, abi.types
local shared_type = value.ctypes.shared

local shared = {}

---@class lugger.shared_table
---@field [any] any
---@operator len: integer

local nested = C.LUG_SHARED_NESTED
-- In a script each view keeps its table alive. In a worker the hook does, and `made_here` does it for what a module
-- makes there.
local is_worker, made_here = false, {}

local function release(view)
  C.lug_shared_release(view.lug_table_)
end

local function view_of(pointer)
  if is_worker then return shared_type(pointer) end
  C.lug_shared_hold(pointer)
  return ffi.gc(shared_type(pointer), release)
end

local function read(found)
  local kind = found.type
  if kind == types.string then return ffi.string(found.data, found.size) end
  if kind == types.double then
    if found.aux == 1 then return value.double(found.f64) end
    return found.f64
  end
  if kind == nested then return view_of(ffi.cast('const void *', found.data)) end
  if kind == types.int64 then return found.i64 end
  return codec.decode(found, nil)
end

local function key_of(found)
  if found.type == types.string then return ffi.string(found.data, found.size) end
  if found.type == types.double then return found.f64 end
  return found.i64 ~= 0
end

local function no_key(key)
  if key == nil or key == value.null then return nil end
  fault.raise('hook', ('%s is no key of a shared table'):format(codec.type(key)),
    'keys are text, numbers and booleans: shared[lugger.key(value)]')
end

local function each_element(self, place)
  place = place + 1
  if place > C.lug_shared_length(self.lug_table_) then return nil end
  return place, read(C.lug_shared_number(self.lug_table_, place))
end

local function each(self)
  local place, slot = 0, 0
  return function()
    if place < C.lug_shared_length(self.lug_table_) then
      place = place + 1
      return place, read(C.lug_shared_number(self.lug_table_, place))
    end
    slot = C.lug_shared_next(self.lug_table_, slot)
    if slot == C.LUG_SHARED_END then return nil end
    local entry = C.lug_shared_at(self.lug_table_, slot)
    slot = slot + 1
    return key_of(entry.key), read(entry.value)
  end
end

ffi.metatype(shared_type, {
  __index = function(self, key)
    local kind, found = type(key), nil -- luacheck: ignore 311
    if kind == 'string' then
      found = C.lug_shared_text(self.lug_table_, key, #key)
    elseif kind == 'number' then
      found = C.lug_shared_number(self.lug_table_, key)
    elseif kind == 'boolean' then
      found = C.lug_shared_bool(self.lug_table_, key and 1 or 0)
    else
      return no_key(key)
    end
    if found == nil then return nil end
    return read(found)
  end,
  __newindex = function(_, key)
    fault.raise('hook', ('a shared table is read only: key %s'):format(tostring(key)))
  end,
  __len = function(self) return C.lug_shared_length(self.lug_table_) end,
  __pairs = function(self) return each(self) end,
  __ipairs = function(self) return each_element, self, 0 end,
  __eq = function(a, b)
    return ffi.istype(shared_type, a) and ffi.istype(shared_type, b) and a.lug_table_ == b.lug_table_
  end,
  __tostring = function(self) return ('shared table (%d)'):format(C.lug_shared_count(self.lug_table_)) end,
})

local function sql_result()
  return package.loaded['lugger.inner.sql.result']
end

-- What a table with a metatable is beside its keys and values, as text; nil: a plain table.
local function about(t)
  local columns = sql_result() and sql_result().columns(t)
  if columns then return buffer.encode { columns = columns } end
  local mark, hidden, order = marks.mark(t), marks.hidden(t), marks.order(t)
  return mark and buffer.encode { mark = mark, hidden = hidden, order = #order > 0 and order or nil } or nil
end

-- For native.shared: the slot of a value, and what owns its bytes; or nil and what the value is called. A table is
-- given back when it may be shared, with what it is beside its keys and values.
local function describe(v)
  if type(v) == 'table' then
    if sql_result() and sql_result().columns(v) then return sql_result().plain_row(v), about(v) end
    if getmetatable(v) == nil or marks.mark(v) or sql_result() and sql_result().outline(v) then return v, about(v) end
    return nil, 'a table with a metatable'
  end
  if type(v) ~= 'cdata' or shared.is(v) then return nil, 'a ' .. codec.type(v) end
  local ok, slot, held = pcall(bson.slot, v)
  if not ok then return nil, 'a ' .. codec.type(v) end
  if ffi.istype(value.ctypes.double, v) then slot.aux = 1 end
  return slot, held
end

--- A large table for reading: made once, and read by all workers and by the script without a copy each. Keys are text,
--- numbers and booleans (`lugger.key` makes one of any value); values are those, tables, and values of documents.
--- `#`, `pairs` and `ipairs` work; what is missing is nil. The rows of a query can be shared too.
---@param t table
---@return lugger.shared_table
function shared.new(t)
  if shared.is(t) then return t end
  if type(t) ~= 'table' then
    fault.raise('config', ('lugger.shared wants a table, not a %s'):format(codec.type(t)))
  end
  local ready, word = describe(t)
  if not ready then fault.raise('config', ('lugger.shared cannot hold %s'):format(word)) end
  if sql_result() and sql_result().outline(t) then
    ready = {}
    for i, row in ipairs(t) do ready[i] = row end
  end
  local ok, pointer = pcall(native.shared, ready, describe)
  if not ok then
    local err = pointer --[[@as lugger.error]]
    fault.raise(err.code, err.message, err.hint)
  end
  local view = ffi.gc(shared_type(ffi.cast('const void *', pointer)), release) --[[@as lugger.shared_table]]
  if is_worker then made_here[#made_here + 1] = view end
  return view
end

--- True for shared tables, and tables in them.
---@param v any
---@return boolean
function shared.is(v)
  return type(v) == 'cdata' and ffi.istype(shared_type, v)
end

--- Called once in the state of a worker.
function shared.enter_worker()
  is_worker = true
end

--- The view of a table that the hook of this worker has captured.
---@param pointer userdata
---@return lugger.shared_table
function shared.captured(pointer)
  return shared_type(ffi.cast('const void *', pointer)) --[[@as lugger.shared_table]]
end

local abouts = {} -- decoded, by their text

-- The table as what the one was that it was made of: an array or a document with types and order, or a row.
local function marked(t, said)
  if said.columns then return require('lugger.inner.sql.result').as_row(t, said.columns) end
  local hidden = said.hidden or {}
  if said.mark == 'array' then return marks.array(t, hidden.types, hidden.element) end
  return marks.document(t, said.order or {}, hidden.types)
end

--- A table with what a shared table holds; it is stored as the one that was shared.
---@param view lugger.shared_table
---@return table
function shared.totable(view)
  local out = {}
  for key, v in pairs(view) do
    if shared.is(v) then v = shared.totable(v) end
    out[key] = v
  end
  local found = C.lug_shared_about(view.lug_table_)
  if found.type == types.missing then return out end
  local text = ffi.string(found.data, found.size)
  abouts[text] = abouts[text] or buffer.decode(text)
  return marked(out, abouts[text])
end

codec.on_encode(shared_type, function(slot, v, copy) codec.encode(slot, shared.totable(v), copy) end)

return shared
