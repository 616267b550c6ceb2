-- Values of JSON text: whatever is an object or an array as a lugger.doc.
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local native = require 'lugger.native'

local json_value = {}

--- The value of Extended JSON text, given its BSON.
---@param text string
---@param bson string
---@return any
function json_value.of(text, bson)
  local doc = document.from_bson(bson)
  if text:match('^%s*{') and not document.methods.has(doc, '') then return doc end
  if text:match('^%s*{') then
    -- {"$oid": ...} and its like are values, not documents; a document may also have a field named "".
    return #doc == 1 and codec.type(doc['']) ~= 'document' and not text:match('^%s*{%s*""') and doc[''] or doc
  end
  return doc['']
end

--- What the text of a json or jsonb value of PostgreSQL says, with every digit; wrappers are the values that they name.
---@param json string
---@return any
function json_value.stored(json)
  return json_value.of(json, native.json_stored(json))
end

return json_value
