-- Where SQL names a column, and the same SQL for another one.
local native = require 'lugger.native'
local sql = native.sql
local concat = table.concat

local names = {}

-- Words of SQL that a server prints without quotes also where a column has the name: what stands before, or behind.
---@type table<string, { before: table<string, boolean|nil>, after: table<string, boolean|nil> }|nil>
local phrases = {
  double = { before = {}, after = { precision = true } },
  precision = { before = { double = true }, after = {} },
  varying = { before = { character = true, bit = true }, after = {} },
  without = { before = {}, after = { time = true } },
  time = { before = { with = true, without = true, at = true }, after = { zone = true } },
  zone = { before = { time = true }, after = {} },
  nulls = { before = {}, after = { first = true, last = true } },
  first = { before = { nulls = true }, after = {} },
  last = { before = { nulls = true }, after = {} },
}

local function word_of(token)
  return token and token.kind ~= 'quoted' and token.text:lower() or ''
end

--- The name that a token may be; nil for one that names no column where it stands.
---@param tokens table[]
---@param i integer
---@return string|nil
function names.at(tokens, i)
  local token, before, after = assert(tokens[i]), word_of(tokens[i - 1]), word_of(tokens[i + 1])
  if after == '(' or after == '.' or before == '::' or before == '.' or before == 'collate' then return nil end
  if token.kind == 'quoted' then return (token.text:sub(2, -2):gsub('""', '"')) end
  if token.kind ~= 'name' and token.kind ~= 'keyword' then return nil end
  local word = token.text:lower()
  local phrase = phrases[word]
  if phrase and (phrase.before[before] or phrase.after[after]) then return nil end
  return word
end

--- SQL in which one column replaces another, based on its tokens.
---@param text string
---@param old string
---@param new string
---@return string
function names.replaced(text, old, new)
  local out, at, tokens = {}, 1, sql.tokens(text)
  for i, token in ipairs(tokens) do
    if names.at(tokens, i) == old then
      out[#out + 1] = text:sub(at, token.offset) .. sql.name(new)
      at = token.offset + #token.text + 1
    end
  end
  return concat(out) .. text:sub(at)
end

--- The definition of a constraint of one column for another. The columns of a referenced table may have the same names.
---@param definition string
---@param old string
---@param new string
---@return string
function names.constrained(definition, old, new)
  local head, reference, tail = definition:match '^(FOREIGN KEY .-)( REFERENCES .-%b())(.*)$'
  if not head or not tail then return names.replaced(definition, old, new) end
  return names.replaced(head, old, new) .. reference
    .. tail:gsub('%b()', function(list) return names.replaced(list, old, new) end)
end

--- What stands behind the name in the definition of an index, for another column. Its options may be called as columns.
---@param tail string "ON ... USING ... (...) WITH (...) WHERE ..."
---@param old string
---@param new string
---@return string
function names.indexed(tail, old, new)
  local head, options, rest = tail:match '^(.-%))( WITH %b())(.*)$'
  if not head or not rest then return names.replaced(tail, old, new) end
  return names.replaced(head, old, new) .. options .. names.replaced(rest, old, new)
end

return names
