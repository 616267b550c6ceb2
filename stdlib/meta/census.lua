---@meta lugger.native
-- The census: what native.census counts. `lugger describe --full --json` prints the same tables, with suggests and
-- notes added (stdlib/inner/census/advice.lua).

---@class lugger.native.census
local census = {}
--- Waits for the end, at most wait_ms milliseconds.
---@param wait_ms integer|nil
---@return lugger.census_snapshot
function census:poll(wait_ms) end
---@return boolean
function census:ended() end
--- Stops; the result contains what was counted until then, and is marked incomplete.
function census:stop() end
--- Waits for the end.
---@return lugger.collection_census
function census:result() end
function census:close() end

---@class lugger.native
local native = {}

--- Begins to count everything that a source holds, in one thread for each partition.
---@param place string
---@param options table|nil
---@param settings { jobs: integer?, limit: integer?, sample: integer? }|nil
---@return lugger.native.census
function native.census(place, options, settings) end

--- Which paths may refer to the _id of another collection, according to finished censuses. Indices count from 1.
---@param censuses lugger.native.census[]
---@return lugger.reference_candidate[]
function native.find_references(censuses) end

--- Looks up every value of some paths among the _ids of another collection.
---@param from string place
---@param from_options table|nil
---@param paths string[]
---@param to string place
---@param to_options table|nil
---@param memory integer|nil bytes of hashes to hold; 256 MiB when not given
---@return lugger.reference_count[]
function native.check_references(from, from_options, paths, to, to_options, memory) end

--- Repeatedly converts the first documents of a source, as a load with columns = 'auto' would.
---@param place string
---@param options table|nil
---@param seconds number|nil
---@return lugger.load_trial
function native.try_load(place, options, seconds) end

--- Counts the updates in the oplog that a source of this place replays: the file in options.oplog, else that of a dump
--- directory. nil when there is none.
---@param place string
---@param options table|nil
---@return { place: string, collections: table<string, lugger.update_counts|nil> }|nil
function native.count_updates(place, options) end

return native
