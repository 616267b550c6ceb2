-- Cursors and batches, for reading in a script.
local abi = require 'lugger.inner.base.abi'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
require 'lugger.inner.base.bson'
local C, types = abi.C, abi.types

---@class lugger.batch
local batch = {}

local slot = ffi.new 'lug_value'

local function pointer(self)
  if self.generation ~= self.view.generation then
    fault.raise('hook', 'batch used after its cursor went on', 'keep doc:copy() of what is needed later')
  end
  return self.view
end

local batch_meta = {
  __name = 'batch',
  __index = function(self, key)
    if type(key) == 'number' then
      local view = pointer(self)
      return key >= 1 and key <= view.count and document.view(view, key - 1) or nil
    end
    return batch[key]
  end,
  __tostring = function(self) return ('batch of %d documents'):format(self.count) end,
}

--- Goes over the documents: `for doc in batch:docs()`. Each is a view; doc:copy() outlives the batch.
---@return fun(): lugger.doc
function batch:docs()
  local index = -1
  return function()
    index = index + 1
    local view = pointer(self)
    if index < view.count then return document.view(view, index) end
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
function batch:address()
  return tonumber(ffi.cast('intptr_t', self.view))
end

--- The position of the cursor after this batch, for seek and `after`.
---@return string
function batch:position()
  return self.after
end

-- Makes a batch from a native pointer.
local function new_batch(found, after)
  local view = ffi.cast('const lug_batch *', found)
  local made = { native = found, view = view, generation = view.generation, count = view.count, after = after }
  return setmetatable(made, batch_meta)
end

---@class lugger.cursor
local cursor = {}
local cursor_meta = { __index = cursor, __name = 'cursor', __tostring = function() return 'cursor' end }

--- The next batch; nil at the end. It makes the previous batch invalid.
---@return lugger.batch|nil
function cursor:next()
  local found = self.native:next()
  if not found then return nil end
  return new_batch(found, self.native:position())
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

methods.check('batch', batch, batch_meta)
methods.check('cursor', cursor, cursor_meta)

local module = {}

module.batch = new_batch

--- Opens a cursor over a native source, for source:cursor.
---@param source lugger.native.source
---@param options table|nil
---@return lugger.cursor
function module.new(source, options)
  return setmetatable({ source = source, options = options or {}, native = source:cursor(options) }, cursor_meta)
end

return module
