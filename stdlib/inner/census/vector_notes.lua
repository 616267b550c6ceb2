-- Notes about vectors that a census found.
local terminal = require 'lugger.inner.view.terminal'

local function num(value)
  return tonumber(value) or 0
end

--- What is wrong with the vectors of a path: each is a policy of a column, or a decision.
---@param vectors lugger.census_vectors|nil
---@return string[]
local function vector_notes(vectors)
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

return vector_notes
