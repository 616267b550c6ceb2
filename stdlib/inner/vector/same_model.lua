-- Texts are searched for by the model that made the vectors, or not at all.
local fault = require 'lugger.inner.base.fault'

local same_model = {}

-- The manifest that says a model, of this column or of the only one.
local function manifest_of(manifests, column)
  local found ---@type lugger.vector_manifest|nil
  for _, one in ipairs(manifests) do
    local meant = not column or one.column == column or one.column == 'vectors.' .. column
    if meant and one.model ~= '' then
      if found then return nil end
      found = one
    end
  end
  return found
end

--- Raises where a manifest names another model. A prefix may differ: queries often have one of their own.
---@param model lugger.embedder
---@param manifests lugger.vector_manifest[]
---@param column string|nil the only one when not given
---@param where string
function same_model.check(model, manifests, column, where)
  local found, asked = manifest_of(manifests, column), model.spec.model
  if not found or not asked or found.model == asked then return end
  fault.raise('config', ('%s of %s was made by %s, and the text would become a vector of %s: such vectors cannot be '
    .. 'compared'):format(found.column, where, found.model, asked),
    "give the place the model that made its vectors: embed = lugger.embed { ... }; where both are names of one model, "
    .. 'let its manifest say the name of the endpoint')
end

return same_model
