---@meta lugger.native
-- Native functions of migrations: SQL by PostgreSQL's own grammar, transactions, the lease.

local native = {}

native.sql = {}

--- The statements of a text as psql reads it, without the comments and blanks around them. Raises "parse" for what is no
--- statement of any version: a quote that is not closed, a command of psql; `tolerant` gives it a `problem` instead.
---@param text string
---@param tolerant boolean|nil
---@return { text: string, offset: integer, line: integer, data: string|nil, problem: string|nil, hint: string|nil }[]
--- data: the lines behind COPY ... FROM stdin
function native.sql.split(text, tolerant) end

--- The syntax trees of a text, as libpg_query writes them: tree[1].stmt.AlterTableStmt... Raises "parse" for what the grammar
--- does not know; err.notes.position counts characters from 1.
---@param text string
---@return table[]
function native.sql.tree(text) end

--- The tokens of a text. Offsets count bytes from 0.
---@param text string
---@return { text: string, offset: integer, kind: "name"|"quoted"|"keyword"|"text"|"comment"|"other" }[]
function native.sql.tokens(text) end

--- The offsets at which the comments of a text begin, counted from 0.
---@param text string
---@return table<integer, true>
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

--- JSON text as plain tables, numbers and texts; null is lugger.null. Documents with types are read by lugger.json.
---@param text string
---@return any
function native.json_tables(text) end

--- A lease in the ledger of a PostgreSQL: one process at a time, by a row that says who. Pooled: the row is kept fresh by a
--- heartbeat; else a lock of the session goes with it.
---@param url string
---@param schema string
---@param pooled boolean
---@return lugger.native.lease
function native.lease(url, schema, pooled) end

---@class lugger.native.lease
local lease = {}
--- Takes it; false, and who has it.
---@param job string
---@return boolean mine
---@return string|nil holder
function lease:take(job) end
--- What the row holds while it is ours.
---@return string
function lease:token() end
--- Gives it back.
function lease:close() end

---@class lugger.native.pg
local pg = {}
--- Begins a transaction; through a pooler with the session's settings.
function pg:begin() end
--- Ends it; one that has failed is rolled back, and an error is raised.
function pg:commit() end
--- Takes it back; does nothing outside one.
function pg:rollback() end
---@return boolean
function pg:in_transaction() end
--- False once the connection is gone.
---@return boolean
function pg:alive() end
--- True behind a pooler: settings do not outlive a transaction.
---@return boolean
function pg:pooled() end
--- Warnings that the server sent since the last call.
---@return string[]
function pg:notices() end
--- What one COPY gives, another takes: from:copy('COPY t TO STDOUT', to, 'COPY t FROM STDIN').
---@param out_sql string
---@param other lugger.native.pg
---@param in_sql string
---@return integer rows
function pg:copy(out_sql, other, in_sql) end

return native
