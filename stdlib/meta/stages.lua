---@meta lugger.native
-- Stages behind a load: require 'lugger.native'.
---@class lugger.native
local native = {}

---@class lugger.native.job
local job = {}
--- Rows of the target that indexes and constraints still to be built would refuse. Reads only.
---@return lugger.refused[]
function job:preflight() end
--- Documents of the source that NOT NULL would refuse, before anything is loaded.
---@param limit integer|nil read at most this many documents
---@return lugger.refused[]
function job:preflight_source(limit) end

---@class lugger.native.state
local state = {}
--- Steps of a job's stages, in the order in which they were first recorded.
---@param job string
---@return lugger.step_record[]
function state:steps(job) end

--- CREATE INDEX of an entry of a job's `indexes`; it must name its table and itself.
---@param index table
---@param concurrently boolean|nil
---@return string
function native.sql.create_index(index, concurrently) end

--- Joins `stem` and `tail` to one name of at most 63 bytes. If they are longer: the beginning of `stem`, a hash of the
--- whole `stem`, and `tail`, so that different stems give different names. Used for keys, constraints and indexes.
---@param stem string
---@param tail string|nil
---@return string
function native.sql.fitted_name(stem, tail) end

return native
