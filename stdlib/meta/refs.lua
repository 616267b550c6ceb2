---@meta lugger.native
-- The shape of a job's mapping, for references, scaffold and the schema files.

---@class lugger.column_inverse
---@field table string
---@field column string
---@field type string
---@field path string|nil where in the document; none: generated
---@field verdict "same"|"changed"|"lost"|"no field"
---@field words string

---@class lugger.mapping_inverse
---@field possible boolean
---@field verdict string
---@field columns lugger.column_inverse[]
---@field notes string[] what is true of the document as a whole

---@class lugger.native.job
local job = {}
--- Its tables and their DDL, without inspecting the target.
---@return lugger.job_shape
function job:shape() end
--- Runs every document through the mapping, without hook and target.
---@param limit integer|nil documents; all when nil or 0
---@return lugger.rehearsal
function job:rehearse(limit) end
