-- Counts changes outside the program. The difference shows whether a statement at the prompt changed something or only
-- displayed something.
local effects = { count = 0, watched = false } -- watched: true at the prompt, because :save needs the count

--- Counts one change.
function effects.note()
  effects.count = effects.count + 1
end

return effects
