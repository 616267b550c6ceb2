-- The hook in a worker: one call for each batch, with a loop over its rows.
local abi = require 'lugger.inner.base.abi'
local action = require 'lugger.inner.script.action'
local capture = require 'lugger.inner.script.capture'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local value = require 'lugger.inner.base.value'
require 'lugger.inner.base.bson'
local C, types, null = abi.C, abi.types, value.null

-- A hook is one loop, in which every access to a field is a branch. LuaJIT's usual limits are made for smaller ones: it
-- would give up hooks that read ten nested fields.
jit.opt.start('loopunroll=60', 'callunroll=10', 'maxrecord=16000', 'maxtrace=4000', 'maxside=400', 'maxsnap=2000',
  'maxirconst=4000', 'maxmcode=8192')

local hook = {}

local row_type = value.ctypes.row
local doc_type = value.ctypes.doc

-- Of the only job in this state; set by open().
local columns, own_tables = {}, {}
local rows ---@type ffi.cdata* lug_rows *
local width = 0

local function nearest(name, known)
  local names = {}
  for word in pairs(known) do names[#names + 1] = word end
  table.sort(names)
  local near = native.system.nearest(tostring(name), names)
  return near and ('did you mean %s?'):format(near) or ('it has %s'):format(table.concat(names, ', '))
end

local function no_column(name)
  fault.raise('hook', ('the row has no column "%s"'):format(tostring(name)), nearest(name, columns))
end

local function stale()
  fault.raise('hook', 'row used after its batch', 'keep the values, not the row')
end

local function copy(bytes, size)
  local out = C.lug_arena_copy(rows.batch.arena, bytes, size)
  if out == nil then fault.raise('bug', 'no memory for what the hook wrote') end
  return out
end

-- The hook ends here: its row becomes a reject with the reason of the column.
local function refused(name)
  rows.refused = rows.at + 1
  fault.raise('coerce', ('the value of column %s does not fit it'):format(name),
    ("row:raw '%s' gives it as it is in the document"):format(name))
end

--- A row in a hook: its columns by name, readable and writable, of the columns' types.
---@class lugger.row
---@field [string] any a column's value: nil for NULL
local row_methods = {}

--- The value of a column as it is in the document when it did not fit the column; else the column's value. Reading
--- `row.price` then makes the document a reject, with the reason of the column.
---@param name string
---@return any
function row_methods:raw(name)
  local place = columns[name]
  if place == nil then no_column(name) end
  if self.lug_generation_ ~= rows.batch.generation then stale() end
  local slot = self.lug_slots_ + place
  if slot.type <= types.undefined then return nil end
  return codec.decode(slot, rows.batch)
end
methods.check('row', row_methods, function(v) return ffi.istype(row_type, v) end)

-- NULL is read as nil, so that `if row.email then` works as expected.
ffi.metatype(row_type, {
  __index = function(self, name)
    local place = columns[name]
    if place == nil then return row_methods[name] or no_column(name) end
    if self.lug_generation_ ~= rows.batch.generation then stale() end
    local slot = self.lug_slots_ + place
    local kind = slot.type
    if slot.flags > 2 then
      if slot.flags >= 8 then return nil end
      refused(name)
    end
    if kind == types.string then return ffi.string(slot.data, slot.size) end
    if kind <= types.undefined then return nil end
    local out = codec.decode(slot, rows.batch)
    return out
  end,
  __newindex = function(self, name, v)
    local place = columns[name]
    if place == nil then no_column(name) end
    if self.lug_generation_ ~= rows.batch.generation then stale() end
    local slot = self.lug_slots_ + place
    if type(v) == 'string' then
      slot.data = copy(v, #v)
      slot.type, slot.flags, slot.aux, slot.size = types.string, 1, 0, #v
      return
    end
    codec.encode(slot, v, copy)
    slot.flags = 1
  end,
  __tostring = function(self)
    if self.lug_generation_ ~= rows.batch.generation then return 'row (its batch is gone)' end
    local out = {}
    for name in pairs(columns) do out[#out + 1] = name .. ' = ' .. tostring(row_methods.raw(self, name)) end
    table.sort(out)
    return '{ ' .. table.concat(out, ', ') .. ' }'
  end,
})

local function table_index(name)
  if name == nil then return rows.table end
  local index = own_tables[name]
  if index == nil then
    fault.raise('hook', ('the job has no table "%s" to route to'):format(name), nearest(name, own_tables))
  end
  return index
end

-- Adds one more row. `fields` is a table of columns, or nil for an unchanged copy of the row.
local function emit(index, fields, table_name)
  local slots = C.lug_row_emit(rows, index, table_index(table_name), fields == nil and 1 or 0)
  if slots == nil then fault.raise('bug', 'no memory for the rows of the hook') end
  for name, v in pairs(fields or {}) do
    local place = columns[name]
    if place == nil then no_column(name) end
    codec.encode(slots + place, v, copy)
    slots[place].flags = 1
  end
end

local function emit_list(index, list)
  if #list == 0 then return C.lug_row_skip(rows, index, 'the hook gave no row', 20) end
  C.lug_row_drop(rows, index)
  for _, item in ipairs(list) do
    if ffi.istype(row_type, item) then
      emit(index, nil)
    elseif type(item) == 'table' then
      emit(index, item)
    else
      fault.raise('hook', ('the hook gave a list with a %s in it, not rows'):format(type(item)))
    end
  end
end

local function act(index, result)
  if type(result) == 'table' then
    local kind = result.lugger_action
    if kind == 'skip' then return C.lug_row_skip(rows, index, result.text, #result.text) end
    if kind == 'reject' then return C.lug_row_reject(rows, index, result.text, #result.text) end
    if kind == 'route' then
      C.lug_row_drop(rows, index)
      return emit(index, nil, result.text)
    end
    for name in pairs(result) do
      if type(name) ~= 'number' then
        fault.raise('hook', ('the hook returned one table (with "%s"), not a list of rows'):format(tostring(name)),
          ('return { { %s = ... } }, or write row.%s and return nothing'):format(tostring(name), tostring(name)))
      end
    end
    return emit_list(index, result)
  end
  if ffi.istype(row_type, result) then return end
  fault.raise('hook', ('the hook returned %s'):format(result == null and 'null' or 'a ' .. type(result)),
    'return nothing to load the row, lugger.skip(reason), lugger.reject(message), or a list of rows')
end

-- Adds the rows collected by lugger.emit. The row itself comes first, so that all rows of a document are consecutive.
local function act_pending(index)
  local count = action.pending_count
  action.pending_count = 0
  C.lug_row_drop(rows, index)
  emit(index, nil)
  for i = 1, count do
    emit(index, action.pending[i].row, action.pending[i].table)
    action.pending[i] = nil
  end
end

local function loop(map, first)
  local batch, live, documents = rows.batch, rows.live, rows.documents
  local slots, generation = rows.slots, batch.generation
  for i = first, rows.count - 1 do
    if live[i] ~= 0 then
      rows.at = i
      local from = batch.documents[documents[i]]
      local row = row_type(slots + i * width, generation)
      local doc = doc_type(from.data, from.size, from.format, 0, generation, from.shape, batch)
      local result = map(row, doc)
      if action.pending_count ~= 0 then act_pending(i) end
      if result ~= nil and result ~= true then act(i, result) end
    end
  end
end

--- Called once by the worker; returns the function that is called once for each batch and table.
---@param packed string
---@param undump fun(code: string): function
---@param names string[] columns
---@param tables string[] tables a row may be routed to
---@param rows_pointer userdata lug_rows *
---@param now string the run's instant; "" leaves the one the hook was packed with
---@return fun(first: integer)
function hook.open(packed, undump, names, tables, rows_pointer, now)
  for i, name in ipairs(names) do columns[name] = i - 1 end
  for i, name in ipairs(tables) do own_tables[name] = i - 1 end
  width = #names
  rows = ffi.cast('lug_rows *', rows_pointer)
  local map = capture.unpack(packed, undump, now ~= '' and now or nil)
  return function(first)
    action.pending_count = 0
    loop(map, first)
  end
end

hook.view = document.view

return hook
