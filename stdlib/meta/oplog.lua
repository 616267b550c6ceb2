---@meta lugger.native
-- The oplog of a dump: what is known of it before it is replayed.

---@class lugger.oplog_info
---@field place string the file, or the archive that holds it
---@field entries integer
---@field changes integer of documents, of all collections
---@field concern integer of these, changes of this collection
---@field first string time of the first entry: ISO, and as a Timestamp
---@field last string

---@class lugger.place_info
---@field collections lugger.collection_info[] as they are at the end of the oplog
---@field oplog lugger.oplog_info|nil
---@field advice string[] what a look at the place should tell
---@field warnings string[] what of the place will not be read

--- What a place holds, and the oplog that is replayed over it.
---@param place string
---@param options table|nil
---@return lugger.place_info
function native.look_at_place(place, options) end
