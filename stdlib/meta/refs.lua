---@meta lugger.native
-- What a job's mapping comes to: asked for by references, scaffold and the schema files.

---@class lugger.column_ref where a column with ref = ... points
---@field database string
---@field collection string
---@field table string
---@field column string "id" or "mongo_id" when the script does not say
---@field fk boolean a foreign key is made of it

---@class lugger.ddl_step
---@field stage "load"|"index"|"constrain" of the keys: "load"
---@field table string as the script names it
---@field name string of the constraint or index
---@field statements string[] as they are run

---@class lugger.job_shape
---@field database string of the source: the name space of ids
---@field collection string
---@field tables lugger.table_plan[]
---@field own_tables integer the first of them: one, or as many as routes; children follow
---@field create string[] CREATE TABLE of each table
---@field keys lugger.ddl_step[] primary and unique keys
---@field steps lugger.ddl_step[] indexes and constraints, in the order they are made

---@class lugger.rehearsal
---@field documents integer
---@field rejected integer
---@field complete boolean false: stopped, or at the limit
---@field refusals { table: string, column: string, code: string, message: string, documents: integer, examples: string[] }[]
---@field unmapped table<string, integer>

---@class lugger.native.job
local job = {}
--- Its tables and their DDL, without a look at the target.
---@return lugger.job_shape
function job:shape() end
--- Every document through the mapping, without hook and target.
---@param limit integer|nil documents; all when nil or 0
---@return lugger.rehearsal
function job:rehearse(limit) end
