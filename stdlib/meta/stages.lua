---@meta lugger.native
-- Stages behind a load: require 'lugger.native'.
local native = {}

---@class lugger.native.job
local job = {}
--- Rows of the target that indexes and constraints to come would refuse. Reads only.
---@return lugger.refused[]
function job:preflight() end
--- The same of the source's documents, for NOT NULL alone, before anything is loaded.
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

--- `stem` and `tail` as one name where it has at most 63 bytes; else the beginning of `stem`, a hash of all of it, and
--- `tail`. Two stems that differ give two names. Names of keys, constraints and indexes are made by it.
---@param stem string
---@param tail string|nil
---@return string
function native.sql.fitted_name(stem, tail) end
