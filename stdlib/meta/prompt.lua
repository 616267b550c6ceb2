---@meta lugger.native
-- Native functions for the prompt, for find and for the terminal.

---@class lugger.native
local native = {}

native.prompt = {}
---@class lugger.native.prompt
local prompt = {}

---@class lugger.fetched_result
---@field names string[]
---@field types integer[]
---@field rows table<integer, (string|false)[]> NULL is false
---@field count integer of all rows, kept or not
---@field affected integer
---@field command string

---@class lugger.fetched
---@field [integer] lugger.fetched_result one a statement
---@field notices string[]

--- Opens a session for SQL as it is typed.
---@param place string URL, local:DIR
---@return lugger.native.prompt
function native.prompt.open(place) end
--- Runs statements; Ctrl-C cancels them in the server and raises "interrupted".
---@param sql string
---@param parameters table|nil a list; `n` is its length when it has holes, which are NULL
---@param rows integer|nil rows that are kept of each result; all when not given, up to a bound of memory
---@return lugger.fetched
function prompt:fetch(sql, parameters, rows) end
--- The OIDs of the types that the server has for $1, $2, ...; nothing is run.
---@param sql string
---@return integer[]
function prompt:parameter_types(sql) end
--- Takes the transaction back, also behind a Ctrl-C; does nothing outside one.
function prompt:rollback() end
--- Whether something stands between that may hand the next statement to another server process.
---@return boolean
function prompt:behind_pooler() end
--- Begins COPY ... FROM STDIN; then any number of puts, and the end.
---@param sql string
function prompt:copy_in_start(sql) end
---@param data string
function prompt:copy_in_put(data) end
---@return integer rows
function prompt:copy_in_end() end
--- What the server had to say of COPY, taken.
---@return string[]
function prompt:notices() end
--- Ends it with an error at the server: nothing of it stays.
---@param reason string
function prompt:copy_in_abort(reason) end
---@return "none"|"open"|"failed"|"lost"
function prompt:transaction() end
---@return integer 150018
function prompt:server_version() end
function prompt:close() end

--- Columns that a character takes on a terminal; below 0 for control characters.
---@param code_point integer
---@return integer
function native.system.char_width(code_point) end

--- Raises for a query that contains something that find does not support.
---@param bson string
function native.check_filter(bson) end
---@class lugger.native.projection
local projection = {}
---@param bson string
---@return string bson with the fields that are wanted
function projection:apply(bson) end

--- The projection for :project. Raises for a path that lies inside another.
---@param keep boolean these fields, or all but these
---@param paths string[]
---@return lugger.native.projection
function native.projection(keep, paths) end
--- The operators of find.
---@return string[]
function native.find_operators() end

--- A line that was pasted after the last one; nil: read from the terminal.
---@return string|nil
function native.edit.pasted_line() end
--- Forgets what was pasted.
function native.edit.forget_paste() end

return native
