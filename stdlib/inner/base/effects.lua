-- How often something outside the program was changed: what tells a statement at the prompt that did something from
-- one that
-- only showed something.
local effects = { count = 0, watched = false } -- watched: at the prompt, where :save asks

--- Something was changed.
function effects.note()
  effects.count = effects.count + 1
end

return effects
