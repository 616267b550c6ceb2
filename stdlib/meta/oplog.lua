---@meta lugger.native
-- The oplog of a dump: what is known of it before it is replayed.

---@class lugger.native
local native = {}

--- What a place holds, and the oplog that is replayed over it.
---@param place string
---@param options table|nil
---@return lugger.place_info
function native.look_at_place(place, options) end

return native
