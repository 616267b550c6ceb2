-- The hook in a worker: one call for each batch, with a loop over its rows.
local abi = require 'lugger.inner.base.abi'
local action = require 'lugger.inner.script.action'
local capture = require 'lugger.inner.script.capture'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local frozen = require 'lugger.inner.script.frozen'
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
local columns, own_tables = {}, {} ---@type table<string, integer|nil>, table<string, integer|nil>
local rows ---@type lug_rows
local width = 0

---@return never
local function no_column(name)
  return fault.raise('hook', ('the row has no column "%s"'):format(tostring(name)), fault.near(name, columns))
end

---@return never
local function stale()
  return fault.raise('hook', 'row used after its batch', 'keep the values, not the row')
end

local function copy(bytes, size)
  local out = C.lug_arena_copy(rows.batch.arena, bytes, size)
  if out == nil then fault.raise('bug', 'no memory for what the hook wrote') end
  return out
end

-- The hook ends here: its row becomes a reject with the reason of the column.
local function refused(name)
  error(native.error('coerce', ('the value of column %s does not fit it'):format(name),
    ("row:raw '%s' gives it as it is in the document"):format(name), nil,
    { script = fault.where(), refused_column = name }), 0)
end

-- Json of a source's row: what it says, as documents give it.
local read_json = ffi.new 'lug_value'

local function json_value(slot)
  C.lug_json_value(rows.batch.arena, slot, read_json)
  local out = codec.decode(read_json, rows.batch)
  return out
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
  local slot = (self.lug_slots_ + place) --[[@as lug_value]]
  if slot.type <= types.undefined then return nil end
  if slot.type == types.json then return json_value(slot) end
  return codec.decode(slot, rows.batch)
end
methods.check('row', row_methods, function(v) return ffi.istype(row_type, v) end)

-- NULL of a table's row reads as null, as JSON's does: the column that has it, and is given null, keeps it.
local function keeps_null(slot, v)
  return v == null and slot.type == types.null and slot.aux == 1 and slot.flags == 2
end

-- NULL is read as nil, so that `if row.email then` works as expected.
ffi.metatype(row_type, {
  __index = function(self, name)
    local place = columns[name]
    if place == nil then return row_methods[name] or no_column(name) end
    if self.lug_generation_ ~= rows.batch.generation then stale() end
    local slot = (self.lug_slots_ + place) --[[@as lug_value]]
    local kind = slot.type
    if slot.flags > 2 then
      if slot.flags >= 8 then return nil end
      refused(name)
    end
    if kind == types.string then return ffi.string(slot.data, slot.size) end
    if kind <= types.undefined then return nil end
    local out
    if kind == types.json then out = json_value(slot) else out = codec.decode(slot, rows.batch) end
    return out
  end,
  __newindex = function(self, name, v)
    local place = columns[name]
    if place == nil then no_column(name) end
    if self.lug_generation_ ~= rows.batch.generation then stale() end
    local slot = (self.lug_slots_ + place) --[[@as lug_value]]
    if type(v) == 'string' then
      slot.data = copy(v, #v)
      slot.type, slot.flags, slot.aux, slot.size = types.string, 1, 0, #v
      return
    end
    if keeps_null(slot, v) then return end
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
  local index = own_tables[name]
  if index == nil then
    fault.raise('hook', ('the job has no table "%s" to route to'):format(name), fault.near(name, own_tables))
  end
  return index
end

local function had_memory(result)
  if result == 0 then fault.raise('bug', 'no memory for the rows of the hook') end
end

-- The slots of one more row; those that `fields` does not name are inherited.
local made_slots ---@type table<integer, lug_value> a pointer

local function slots_of(fields)
  for i = 0, width - 1 do made_slots[i].flags = 16 end
  for name, v in pairs(fields) do
    local place = columns[name]
    if place == nil then no_column(name) end
    if not keeps_null(rows.slots[rows.at * width + place], v) then
      local slot = made_slots[place]
      codec.encode(slot, v, copy)
      slot.flags = 1
    end
  end
  return made_slots
end

-- Rows of lugger.emit that wait for what the hook returns.
local waiting = 0

local function take(fields, table_name)
  local index = table_name == nil and C.LUG_HERE or table_index(table_name)
  had_memory(C.lug_row_emit(rows, slots_of(fields), index))
  waiting = waiting + 1
end

local function forget_emitted()
  waiting = 0
  C.lug_row_forget_emitted(rows)
end

-- The document's own row comes first, then those of lugger.emit, so that all rows of a document are consecutive.
local function place(index, table_number)
  had_memory(C.lug_row_place(rows, index, table_number))
  had_memory(C.lug_row_add_emitted(rows, index, table_number))
  waiting = 0
end

local function add(index, item)
  if ffi.istype(row_type, item) then
    had_memory(C.lug_row_place(rows, index, rows.table))
  elseif type(item) == 'table' and item.lugger_action then
    fault.raise('hook', ('the hook gave a list with lugger.%s in it'):format(item.lugger_action),
      'return it alone: it is about the whole document')
  elseif type(item) == 'table' then
    had_memory(C.lug_row_add(rows, index, rows.table, slots_of(item)))
  else
    fault.raise('hook', ('the hook gave a list with a %s in it, not rows'):format(type(item)))
  end
end

-- The first row of the list takes the place of the document's own.
local function add_list(index, list)
  if #list == 0 and waiting == 0 then return C.lug_row_skip(rows, index, 'the hook gave no row', 20) end
  if #list > 0 then add(index, list[1]) end
  had_memory(C.lug_row_add_emitted(rows, index, rows.table))
  waiting = 0
  for i = 2, #list do add(index, list[i]) end
end

-- A row behind a gap would be lost in silence.
local function check_list(list)
  local count = 0
  for name in pairs(list) do
    if type(name) ~= 'number' then
      fault.raise('hook', ('the hook returned one table (with "%s"), not a list of rows'):format(tostring(name)),
        ('return { { %s = ... } }, or write row.%s and return nothing'):format(tostring(name), tostring(name)))
    end
    count = count + 1
  end
  for i = 1, count do
    if list[i] == nil then
      fault.raise('hook', ('the hook returned a list with no row at %d'):format(i),
        'number the rows from 1 without gaps: rows[#rows + 1] = { ... }')
    end
  end
end

local function act(index, result)
  if type(result) == 'table' then
    local kind = result.lugger_action
    if kind == 'skip' then return C.lug_row_skip(rows, index, result.text, #result.text) end
    if kind == 'reject' then return C.lug_row_reject(rows, index, result.text, #result.text) end
    if kind == 'route' then return place(index, table_index(result.text)) end
    check_list(result)
    return add_list(index, result)
  end
  if ffi.istype(row_type, result) then return end
  fault.raise('hook', ('the hook returned %s'):format(result == null and 'null' or 'a ' .. type(result)),
    'return nothing to load the row, lugger.skip(reason), lugger.reject(message), or a list of rows')
end

-- The line of an action that was made and not returned: the hook is called once more, while actions note their lines.
---@return string|nil
local function line_of_action(map, row, doc)
  action.notes_lines, action.line = true, nil
  pcall(map, row, doc)
  action.notes_lines = false
  return action.line
end

local function not_returned(map, row, doc, made)
  local word, line = made.lugger_action, line_of_action(map, row, doc)
  local text = ('lugger.%s %q was called, and the hook did not return it'):format(word, made.text)
  error(native.error('hook', text, ('write: return lugger.%s(...)'):format(word), nil, { script = line }), 0)
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
      local made = action.last
      if made ~= nil then
        action.last = nil
        if type(result) ~= 'table' or result.lugger_action == nil then not_returned(map, row, doc, made) end
      end
      if result ~= nil and result ~= true then act(i, result) end
      if waiting ~= 0 then
        if result == nil or type(result) ~= 'table' then place(i, rows.table) else forget_emitted() end
      end
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
---@param shared userdata[] shared tables that the hook has captured
---@return fun(first: integer)
function hook.open(packed, undump, names, tables, rows_pointer, now, shared)
  for i, name in ipairs(names) do columns[name] = i - 1 end
  for i, name in ipairs(tables) do own_tables[name] = i - 1 end
  width = #names
  rows = ffi.cast('lug_rows *', rows_pointer) --[[@as lug_rows]]
  action.take = take
  frozen.on_refuse = function() rows.stop = 1 end
  made_slots = ffi.new('lug_value[?]', math.max(width, 1)) --[[@as table<integer, lug_value>]]
  local map = capture.unpack(packed, undump, now ~= '' and now or nil, shared)
  local begins = assert(debug.getinfo(map, 'S'))
  local is_ours = begins.source:match('^@lugger')
  action.hook_line = not is_ours and ('%s:%d'):format(begins.short_src, begins.linedefined) or nil
  return function(first)
    action.last = nil
    forget_emitted()
    loop(map, first)
    frozen.check()
  end
end

hook.view = document.view

return hook
