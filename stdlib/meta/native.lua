---@meta lugger.native
-- The functions C++ gives to Lua: require 'lugger.native'. Scripts use the library above them (require 'lugger'); the command line and the
-- library use these. Errors are raised as lugger.error objects.

---@class lugger.error
---@field code "config"|"connect"|"auth"|"read"|"parse"|"coerce"|"constraint"|"conflict"|"timeout"|"interrupted"|"hook"|"verify"|"budget"|"bug"
---@field message string what is wrong, without place and hint
---@field hint string what to do next; "" when there is nothing to say
---@field sqlstate string five characters; "" when the server had no part in it
---@field notes table<string|integer, string> places by name (notes.document, notes.column); notes[1], notes[2], ... name them in order

---@class lugger.native
local native = {}

--- lugger's version, "0.1.0".
native.version = ''

--- The value null, as a light userdata; lugger.null is the same.
---@type userdata
native.null = nil

--- Makes an error object; raise it with error(native.error(...)).
---@param code string
---@param message string
---@param hint string|nil
---@param sqlstate string|nil
---@param notes table<string, string|nil>|nil
---@return lugger.error
function native.error(code, message, hint, sqlstate, notes) end

--- Raises "stack overflow" when the thread's C stack is nearly used up, which Lua itself does not check.
function native.check_stack() end

--- Text of an embedded file: "scripts/mongo_to_postgres.lua", "lugger.lua", "cli/run.lua". nil when there is none.
---@param name string
---@return string|nil
function native.embedded(name) end

--- Names of embedded files that begin with prefix, sorted.
---@param prefix string|nil
---@return string[]
function native.embedded_names(prefix) end

--- The declarations of the structs that are passed to Lua.
---@return lugger.record[]
function native.records() end

--- Parses TOML text into tables.
---@param text string
---@return table
function native.toml(text) end

--- The default number of connections that load or read at once: one for each core, at most 4.
---@return integer
function native.default_jobs() end

--- Raises an error for what is no setting of a run.
---@param settings lugger.run_settings
function native.check_settings(settings) end

--- Makes a job of a normalised specification; lugger.copy does so for scripts.
---@param spec table
---@return lugger.native.job
function native.job(spec) end

---@class lugger.run_settings: lugger.embed_caps
---@field jobs integer|nil workers
---@field create boolean|nil make missing tables
---@field dry_run boolean|nil everything but the writing
---@field restart boolean|nil forget an unfinished run
---@field again boolean|nil load into a table without a key although the last run of this source is done
---@field accept_changes boolean|nil resume although the script changed
---@field join boolean|nil other processes may work on the same run
---@field redact boolean|nil rejects keep neither document nor bytes
---@field limit integer|nil documents
---@field retry_rejects boolean|nil the source is the job's rejects
---@field follow boolean|nil settle what was spooled, then apply the changes of the source until it is stopped
---@field patient boolean|nil wait without an end for servers that were reached once
---@field follow_from string|nil a position where the changes begin, of a job that was not copied beside a spooler
---@field stage "load"|"index"|"constrain"|nil only this stage
---@field force boolean|nil add constraints although rows stand against them, as far as they can be
---@field index_memory string|nil memory for all index builds together, "1GB"
---@field lock_timeout_ms integer|nil how long a statement waits for its lock
---@field lock_tries integer|nil how often it asks for it
---@field window string|nil hours of the day it works in: '22:00-05:00'
---@field source_mbps number|nil read no faster from the source, in megabytes a second

---@class lugger.native.job
local job = {}
---@return string
function job:name() end
--- True when its source is a file small enough to be read quickly on one connection.
---@return boolean
function job:is_small() end
--- Of the data, reads only what columns = 'auto' and the split need; writes nothing.
---@param settings lugger.run_settings|nil
---@return lugger.job_plan
function job:plan(settings) end
--- Which fields of a document can be restored from its rows.
---@return lugger.mapping_inverse
function job:inverse() end
--- The rows of the first documents, as they would be written.
---@param documents integer|nil 10 when not given
---@return lugger.preview
function job:preview(documents) end
--- One document, step by step.
---@param document_id string canonical text of the _id
---@return lugger.trace
function job:trace(document_id) end
--- Starts the workers; poll what it returns.
---@param settings lugger.run_settings|nil
---@return lugger.native.run
function job:start(settings) end
--- Keeps the keys of what changes from now on, for a copy that is begun afterwards; goes on with what was kept before.
---@param restart boolean|nil begins anew
---@return lugger.native.spooler
function job:spool(restart) end
--- What goes on with a move: a copy beside a spooler, or a run that follows.
---@return "copy"|"follow"
function job:move_stage() end
--- Its changes are read together with those of the hub's other jobs. Call it for each of them before the first is read.
---@param hub lugger.native.feed_hub
---@return integer bytes of its source
function job:share(hub) end
--- Asks a live source for its changes: what it answers when it gives none ("": it does), and what is to be said of how
--- they are read.
---@return string obstacle
---@return string advice
function job:ask_to_follow() end
--- Closes the job's connections; later calls raise.
function job:close() end

--- What jobs have in common whose changes one process reads: one stream for each cluster.
---@return lugger.native.feed_hub
function native.feed_hub() end

---@class lugger.native.feed_hub
local feed_hub = {}
--- What is to be said of it since the last call.
---@return string[]
function feed_hub:told() end
--- Closes it; later calls raise.
function feed_hub:close() end

---@class lugger.native.spooler
local spooler = {}
--- Waits up to timeout_ms for its end, which comes by itself only with a failure.
---@param timeout_ms integer|nil
---@return lugger.spool_snapshot
function spooler:poll(timeout_ms) end
--- Commits what was read, waits for that, and ends; a second Ctrl-C hurries it.
---@return lugger.spool_snapshot
function spooler:stop() end
--- Leaves at once.
function spooler:close() end

--- What is looked at beside jobs that are moved, and told to their ledgers.
---@param jobs lugger.native.job[]
---@param seconds number between two looks
---@return lugger.native.watch
function native.watch(jobs, seconds) end

---@class lugger.native.watch
local watch = {}
--- What was seen of a job's source last.
---@param job integer its place in the list
---@return lugger.source_seen
function watch:seen(job) end
--- How many documents of it are rejected, as it stands, and how many of them have a row all the same; nil: not known.
---@param job integer
---@return integer|nil rejects
---@return integer|nil stale
function watch:rejects(job) end
--- Of a job: its position, in seconds of the source, and all that is known as JSON, for `lugger status`.
---@param job integer
---@param position integer
---@param facts string
---@param now boolean|nil do not wait for the next look
function watch:tell(job, position, facts, now) end
--- Waits a moment until what was told is written, and ends.
function watch:close() end

--- From now on whoever means `place` connects to `renewed`: the same place with another password.
---@param place string
---@param renewed string
function native.renew_place(place, renewed) end

--- Serves figures to Prometheus on a port of this machine alone; 0: any port that is free.
---@param port integer
---@return lugger.native.metrics
function native.metrics(port) end

---@class lugger.native.metrics
local metrics = {}
---@return integer
function metrics:port() end
--- What is answered from now on.
---@param text string
function metrics:set(text) end
--- Ends it.
function metrics:close() end

---@class lugger.native.run
local run = {}
--- Waits up to timeout_ms for the end of the run.
---@param timeout_ms integer
---@return lugger.run_snapshot
function run:poll(timeout_ms) end
---@return boolean
function run:ended() end
--- 'finish' commits the open units, 'now' rolls them back.
---@param how "finish"|"now"|nil
function run:stop(how) end
--- Waits for the end.
---@return lugger.run_result
function run:result() end
--- Stops now and releases the workers.
function run:close() end

--- The kind of a place. Opens nothing.
---@param place string
---@return { name: "postgresql"|"files", sql: boolean, read_once: boolean } sql: SQL sessions, migrations and fixes go there; read_once: standard input, a pipe
function native.place_kind(place) end

--- The options a source takes, by its kind.
---@param place string
---@return lugger.place_option[]
function native.source_options(place) end
--- The options of all kinds of sources, or of targets, each name once.
---@param what "source"|"target"
---@return lugger.place_option[]
function native.every_option(what) end
--- The options a target takes, by its kind.
---@param place string
---@return { name: string, type: "flag"|"number"|"text"|"choice"|"list"|"flag or text", help: string, fallback: string, choices: string[] }[]
function native.target_options(place) end

--- Opens a source.
---@param place string
---@param options table|nil
---@return lugger.native.source
function native.source(place, options) end

---@class lugger.native.source
local source = {}
---@return lugger.source_info
function source:info() end
---@param parts integer
---@return lugger.partition[]
function source:split(parts) end
--- A cursor over all of it, or over one partition, behind a position when given; `find` is { filter = BSON, sort = { { path, descending }, ... }, skip =, limit = }.
---@param options { partition: lugger.partition?, after: string?, batch_rows: integer?, batch_bytes: integer?, find: table? }|nil
---@return lugger.native.cursor
function source:cursor(options) end
function source:close() end

---@class lugger.native.cursor
local cursor = {}
--- The next batch as a pointer for FFI (lug_batch *); nil at the end. It makes the previous batch invalid.
---@return userdata|nil
function cursor:next() end
---@return string
function cursor:position() end
--- Source bytes read so far.
---@return integer
function cursor:bytes() end
--- Reads to the end and counts the documents.
---@return integer
function cursor:count() end
function cursor:close() end

--- Opens a target, to inspect it.
---@param place string
---@param options table|nil
---@return lugger.native.target
function native.target(place, options) end

---@class lugger.native.target
local target = {}
--- Columns of an existing table; empty when there is none.
---@param table string
---@return lugger.target_column[]
function target:columns(table) end
--- The place, secrets masked.
---@return string
function target:place() end
function target:close() end

--- Fields of a source: how often, which types, which column suits.
---@param place string
---@param options table|nil
---@param limit integer|nil documents to read; all when nil or 0
---@return lugger.description
function native.describe(place, options, limit) end

--- A session with PostgreSQL; "local:" places work too.
---@param url string
---@param purpose string|nil
---@param pooled boolean|"detect"|nil true: through a pooler in transaction mode, where a session keeps no settings
---@return lugger.native.pg
function native.pg(url, purpose, pooled) end

---@class lugger.native.pg_result
---@field names string[]
---@field types integer[]
---@field rows table<integer, any[]> texts; NULL is lugger.null
---@field affected integer

---@class lugger.native.pg
local pg = {}
--- Runs SQL. Values are text, NULL is lugger.null; several statements only without parameters.
---@param sql string
---@param params any[]|nil texts, numbers, booleans; lugger.null for NULL
---@return lugger.native.pg_result
function pg:query(sql, params) end
--- The OIDs of the types that the server has for $1, $2, ...; nothing is run.
---@param sql string
---@return integer[]
function pg:parameter_types(sql) end
--- Sends SQL and does not wait: the server runs it to its end, also when this process is gone. The session is of no use
--- for anything else then.
---@param sql string
function pg:leave(sql) end
--- Ends what the server is running for this session.
function pg:cancel() end
---@return string server version: "15.18"
function pg:server() end
function pg:close() end

--- The connection URL of a place: "local:DIR" starts its server, which runs until lugger ends; other places are
--- returned unchanged. It may contain a password: never print it.
---@param place string
---@return string
function native.pg_url(place) end

--- A URL or connection string for the arguments of psql and pg_dump, and the password for PGPASSWORD.
---@param url string as native.pg_url gives it
---@return string conninfo without secrets
---@return string|nil password
function native.pg_program_place(url) end

--- Extended JSON text of BSON bytes.
---@param bson string a BSON document
---@param style "canonical"|"relaxed"|"plain"|"typed"|nil
---@return string
function native.json_encode(bson, style) end
--- The BSON bytes of one JSON document or value; a value becomes a document whose only field is "".
---@param text string
---@param style "extended"|"plain"|nil
---@return string
function native.json_decode(text, style) end

--- The same of a json or jsonb value of PostgreSQL: no digit of a number is lost.
---@param text string
---@return string bson
function native.json_stored(text) end

--- A document with changes; the rest keeps its bytes. doc:with calls it.
---@param bson string
---@param array boolean whether it is an array
---@param changes string BSON with a dotted path for each name
---@param kinds string a letter for each change: "r" removes, "n" is a plain number, "s" any other value
---@return string bson
function native.bson_patch(bson, array, changes, kinds) end

---@class lugger.native.table_writer
---@field table fun(t: table): string, boolean the bytes; whether they are an array
---@field place fun(t: table): number, integer, boolean address and size of the bytes, which stand until the next call
---@field fields fun(names: string[], values: any[]): string a document
---@field names fun(t: table): string[] its fields in the order in which they are stored

--- Functions that write Lua tables as BSON; each gives nil and a message for what cannot be part of a document.
---@param foreign fun(v: any): integer|nil, any type byte and payload of what is no plain Lua value, or nil and one that is
---@param remove table lugger.remove, which no document holds
---@return lugger.native.table_writer
function native.table_writer(foreign, remove) end

--- A coercer's handle for FFI; lugger.coercer wraps it.
---@param type string
---@param policy table|nil
---@return lugger.native.coercer
function native.coercer(type, policy) end

--- Makes a table for all Lua states of a Lua table; lugger.shared wraps it. `describe` gives the slot of a value that
--- Lua itself does not have, and what owns its bytes; or nil and what the value is called. A table that may be shared it
--- gives back, with a text that says what its metatable means.
---@param table table
---@param describe fun(v: any): any, any
---@return userdata pointer to the table, which the caller holds
function native.shared(table, describe) end

---@class lugger.native.coercer
local coercer = {}
---@return userdata
function coercer:pointer() end
---@return string the type as DDL spells it
function coercer:type() end

return native
