-- Cursors and batches, for reading in a script.
local abi = require 'lugger.inner.base.abi'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
require 'lugger.inner.base.bson'
local C, types = abi.C, abi.types

--- A batch of a cursor: #batch, batch[1], ipairs. It is valid until the cursor reads the next one.
---@class lugger.batch: lug_script_batch
---@field [integer] lugger.doc from 1
---@field count integer
---@operator len: integer
local batch = {}

local slot = ffi.new('lug_value') --[[@as lug_value]]
local batch_type = ffi.typeof 'lug_script_batch'

-- What belongs to a batch and is no number: its native batch, the cursor that it came from and keeps alive, and the
-- position behind it. Of a task's first cursor also `taken`: the batch and the index of the document that the script
-- took last, nil behind the end of a loop.
local belongings = setmetatable({}, { __mode = 'k' })

local function is_batch(v)
  return ffi.istype(batch_type, v)
end

local function pointer(self)
  if self.lug_generation_ ~= self.lug_view_.generation then
    fault.raise('hook', 'batch used after its cursor went on', 'keep doc:copy() of what is needed later')
  end
  return self.lug_view_
end

-- The document at an index from 0; nil behind the last.
local function take(self, index)
  local view, taken = pointer(self), belongings[self].taken
  if index >= view.count then
    if taken then taken.batch = nil end
    return nil
  end
  if taken then
    taken.batch, taken.index = self, index
  end
  return document.view(view, index)
end

local function step(self, index)
  local doc = take(self, index)
  if doc then return index + 1, doc end
end

local function each(self)
  return step, self, 0
end

ffi.metatype(batch_type, {
  __index = function(self, key)
    if type(key) == 'number' then
      if key >= 1 and key <= pointer(self).count then return take(self, key - 1) end
      return nil
    end
    if key == 'count' then return self.lug_count_ end
    return batch[key]
  end,
  __newindex = function() fault.raise('hook', 'a batch is read only', 'keep what belongs to it in a table') end,
  __len = function(self) return pointer(self).count end,
  __pairs = each,
  __ipairs = each,
  __tostring = function(self) return ('batch of %d documents'):format(self.lug_count_) end,
})

--- Goes over the documents: `for doc in batch:docs()`. Each is a view; doc:copy() outlives the batch.
---@return fun(): lugger.doc
function batch:docs()
  local index = -1
  return function()
    index = index + 1
    return take(self, index)
  end
end

--- Whether any document has a value of this type in a top-level field.
---@param field string
---@param type string "string", "int32", "double", "document", ...
---@return boolean
function batch:has_type(field, type)
  local number = types[type]
  if not number then fault.raise('config', ('there is no type "%s"'):format(tostring(type))) end
  local view = pointer(self)
  for i = 0, view.count - 1 do
    if C.lug_doc_field(document.view(view, i), field, #field, slot) == number then return true end
  end
  return false
end

--- The vectors at a field or dotted path, by document: `vector.top_k(batch:vectors 'embedding', query, 10)`. A document
--- without the field, or with null, leaves a hole; `n` is the number of documents. The vectors outlive the batch.
--- Raises an error with the document's id for a value that is not a vector.
---@param path string
---@return { [integer]: lugger.vector, n: integer }
function batch:vectors(path)
  return require('lugger.vector').of_batch(pointer(self), path)
end

--- The address of the batch, as a number that identifies it.
---@return number
---@internal
function batch:address()
  return tonumber(ffi.cast('intptr_t', self.lug_view_)) --[[@as number]]
end

--- The position of the cursor after this batch, for seek and `after`.
---@return string
function batch:position()
  return belongings[self].after
end

-- Makes a batch from a native pointer. It keeps `cursor` alive.
local function new_batch(found, after, cursor, taken)
  local view = ffi.cast('const lug_batch *', found) --[[@as lug_batch]]
  local made = batch_type(view, view.generation, view.count)
  belongings[made] = { native = found, after = after, cursor = cursor, taken = taken }
  return made
end

--- Reads a source batch by batch.
---@class lugger.cursor
---@field package native lugger.native.cursor
---@field package options table
---@field package source lugger.native.source
local cursor = {}
local cursor_meta = { __index = cursor, __name = 'cursor', __tostring = function() return 'cursor' end }

--- The next batch; nil at the end. It makes the previous batch invalid.
---@return lugger.batch|nil
function cursor:next()
  local found = self.native:next()
  if not found then return nil end
  return new_batch(found, self.native:position(), self)
end

--- Goes over the batches: `for batch in cursor:batches()`.
---@return fun(): lugger.batch|nil
function cursor:batches()
  return function() return self:next() end
end

--- Reads to the end and counts the documents on the way.
---@return integer
function cursor:count()
  return self.native:count()
end

--- Source bytes read so far, from the beginning of its part.
---@return integer
function cursor:bytes()
  return self.native:bytes()
end

--- Its position: printable, for seek.
---@return string
function cursor:position()
  return self.native:position()
end

--- Continues after a position.
---@param position string
function cursor:seek(position)
  self.native:close()
  local options = {}
  for key, v in pairs(self.options) do options[key] = v end
  options.after = position
  self.native = self.source:cursor(options)
end

--- Releases the cursor.
function cursor:close()
  self.native:close()
end

methods.check('batch', batch, is_batch)
methods.close('cursor', cursor, cursor_meta)

local module = {}

module.batch = new_batch

--- The native batch of a batch; nil for all else.
---@param v any
---@return lightuserdata|nil
function module.native_batch(v)
  return is_batch(v) and belongings[v].native or nil
end

--- The cursor that a batch came from; nil for all else.
---@param v any
---@return table|nil
function module.cursor_of(v)
  return is_batch(v) and belongings[v].cursor or nil
end

--- True while the documents of a batch are there.
---@param v lugger.batch
---@return boolean
function module.is_current(v)
  return v.lug_generation_ == v.lug_view_.generation
end

--- Opens a cursor over a native source, for source:cursor.
---@param source lugger.native.source
---@param options table|nil
---@return lugger.cursor
function module.new(source, options)
  return setmetatable({ source = source, options = options or {}, native = source:cursor(options) }, cursor_meta)
end

return module
