---@meta lugger.native
-- The ledger.
---@class lugger.native
local native = {}

--- The ledger of a target: runs, partitions, rejects.
---@param target string
---@param options table|nil
---@return lugger.native.state
function native.state(target, options) end

--- The DDL of the ledger, for users who may not create it themselves.
---@param schema string|nil "lugger" when not given
---@return string
function native.state_ddl(schema) end

---@class lugger.native.state
local state = {}
--- Makes the tables of the ledger, or brings them to this version.
function state:ensure() end
--- Newest first.
---@param limit integer|nil 20 when not given
---@return lugger.run_record[]
function state:runs(limit) end
---@param run string
---@return lugger.run_record|nil
function state:find(run) end
--- Leaves out runs that follow changes.
---@param job string
---@return lugger.run_record|nil
function state:latest(job) end
---@param job string
---@return lugger.run_record|nil
function state:latest_follow(job) end
--- What is kept of the changes of a job that is copied; nil when nothing is, or when it is settled.
---@param job string
---@return lugger.feed_record|nil
function state:feed(job) end
--- What was noticed while the job's changes were followed, the oldest first.
---@param job string
---@return lugger.notice[]
function state:notices(job) end
--- What the processes that move jobs told last.
---@return lugger.watch_record[]
function state:told() end
---@param job string
---@param limit integer|nil all when not given
---@param after integer|nil only rejects with a greater number
---@return lugger.reject_record[]
function state:rejects(job, limit, after) end
---@param job string
---@return integer
function state:count_rejects(job) end
---@param rejects integer[] their numbers
function state:delete_rejects(rejects) end
---@param run string
---@return lugger.partition_record[]
function state:partitions(run) end
--- Deletes runs that are done or abandoned, with their rejects; runs that can be resumed or undone stay.
---@param keep integer the newest of each job that stay
---@param seconds integer younger ones stay too
---@return integer runs
---@return integer rejects
function state:prune(keep, seconds) end
function state:close() end

return native
