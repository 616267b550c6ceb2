-- Vectors that a census found: their column, and notes.
local terminal = require 'lugger.inner.view.terminal'

local function num(value)
  return tonumber(value) or 0
end

local vectors_of = {}

--- The column type of a path where all values are vectors by their type; nil for any other.
---@param path lugger.census_path
---@return string|nil
function vectors_of.column(path)
  if #path.types ~= 1 or path.types[1].type ~= 'vector' or not path.vectors then return nil end
  local least, greatest = num(path.vectors.least), num(path.vectors.greatest)
  return least == greatest and ('vector(%d)'):format(least) or 'vector'
end

--- What is wrong with the vectors of a path: each is a policy of a column, or a decision.
---@param vectors lugger.census_vectors|nil
---@return string[]
function vectors_of.notes(vectors)
  local notes = {}
  if not vectors then return notes end
  local function note(...) notes[#notes + 1] = string.format(...) end
  if num(vectors.least) ~= num(vectors.greatest) then
    note('vectors of %d to %d dimensions', num(vectors.least), num(vectors.greatest))
  end
  if num(vectors.zeros) > 0 then
    note('all zeros in %s (%s), which no index by cosine has: zero = "reject"',
      terminal.count(num(vectors.zeros), 'vector'), table.concat(vectors.zero_examples, ', '))
  end
  if num(vectors.non_finite) > 0 then
    note('NaN or infinite in %s (%s): non_finite = "reject" or "null"',
      terminal.count(num(vectors.non_finite), 'vector'), table.concat(vectors.non_finite_examples, ', '))
  end
  if num(vectors.duplicates) > 0 then
    note('%s%s there before with the same elements (%s)', vectors.exact and '' or 'about ',
      terminal.count(num(vectors.duplicates), 'vector'), table.concat(vectors.duplicate_examples, ', '))
  end
  return notes
end

return vectors_of
