---@meta lugger.native
-- Native functions of migrations: SQL by PostgreSQL's own grammar, transactions, the lease.

---@class lugger.native
local native = {}

native.sql = {}

--- The statements of a text as psql separates them, without comments and blanks around them. Raises "parse" for text
--- that is not a statement in any version: an unclosed quote, a command of psql; with `tolerant`, it gets a `problem`
--- instead.
---@param text string
---@param tolerant boolean|nil
---@return { text: string, offset: integer, line: integer, data: string|nil, problem: string|nil, hint: string|nil }[]
--- data: the lines behind COPY ... FROM stdin
function native.sql.split(text, tolerant) end

--- The syntax trees of a text in the format of libpg_query: tree[1].stmt.AlterTableStmt... Raises "parse" for text that
--- the grammar does not know; err.notes.position counts characters from 1.
---@param text string
---@return table[]
function native.sql.tree(text) end

--- The tokens of a text. Offsets count bytes from 0.
---@param text string
---@return { text: string, offset: integer, kind: "name"|"quoted"|"keyword"|"text"|"comment"|"other" }[]
function native.sql.tokens(text) end

--- The offsets at which the comments of a text begin, counted from 0.
---@param text string
---@return table<integer, true|nil>
function native.sql.comments(text) end

--- The major version of PostgreSQL whose grammar reads SQL.
---@return integer
function native.sql.grammar() end

--- A name as SQL takes it: "na""me".
---@param text string
---@return string
function native.sql.name(text) end

--- A table's name, with or without its schema, as SQL takes it.
---@param text string
---@return string
function native.sql.table(text) end

--- A text as an SQL literal.
---@param text string
---@return string
function native.sql.literal(text) end

--- JSON text as plain tables, numbers and strings; null is lugger.null. For typed documents use lugger.json.
---@param text string
---@return any
function native.json_tables(text) end

--- A lease in the ledger of a PostgreSQL database: one process at a time, which a row names. Pooled: a heartbeat renews
--- the row; otherwise a lock of the session is held too.
---@param url string
---@param schema string
---@param pooled boolean|nil
---@return lugger.native.lease
function native.lease(url, schema, pooled) end

---@class lugger.native.lease
local lease = {}
--- Takes the lease. False and the holder when another process has it.
---@param job string
---@return boolean mine
---@return string|nil holder
function lease:take(job) end
--- The content of the row while the lease is ours.
---@return string
function lease:token() end
--- Releases the lease.
function lease:close() end

--- Watches the health of a PostgreSQL database beside the work, in a session of its own. Raises when the role may not
--- read what a limit needs.
---@param url string
---@param limits table as stdlib/inner/job/throttle.lua gives them
---@param pooled boolean|nil
---@return lugger.native.throttle
function native.throttle(url, limits, pooled) end

---@class lugger.native.throttle
local throttle = {}
--- Which limit is passed, in words; "" when none is.
---@return string
function throttle:reason() end
--- Ends its session.
function throttle:close() end

---@class lugger.native.pg
local pg = {}
--- Begins a transaction; through a pooler with the session's settings.
function pg:begin() end
--- Commits; a failed transaction is rolled back, and an error is raised.
function pg:commit() end
--- Rolls back; does nothing outside a transaction.
function pg:rollback() end
---@return boolean
function pg:in_transaction() end
--- False when the connection was lost.
---@return boolean
function pg:alive() end
--- True behind a pooler: settings last only for a transaction.
---@return boolean
function pg:pooled() end
--- Warnings that the server sent since the last call.
---@return string[]
function pg:notices() end
--- COPY ... FROM stdin with its data, as text.
---@param sql string
---@param data string
---@return integer rows
function pg:copy_in(sql, data) end
--- Sends the output of one COPY into another: from:copy('COPY t TO STDOUT', to, 'COPY t FROM STDIN').
---@param out_sql string
---@param other lugger.native.pg
---@param in_sql string
---@return integer rows
function pg:copy(out_sql, other, in_sql) end

return native
