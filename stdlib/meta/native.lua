---@meta lugger.native
-- The functions C++ gives to Lua: require 'lugger.native'. Scripts use the library above them (require 'lugger'); the command line and the
-- library use these. Errors are raised as lugger.error objects.

---@class lugger.error
---@field code "config"|"connect"|"auth"|"read"|"parse"|"coerce"|"constraint"|"conflict"|"timeout"|"interrupted"|"hook"|"verify"|"bug"
---@field message string what is wrong, without place and hint
---@field hint string what to do next; "" when there is nothing to say
---@field sqlstate string five characters; "" when the server had no part in it
---@field notes table<string|integer, string> places by name (notes.document, notes.column); notes[1], notes[2], ... name them in order

---@class lugger.tally
---@field read integer documents; read = inserted + updated + unchanged + skipped + rejected
---@field inserted integer
---@field updated integer
---@field unchanged integer
---@field skipped integer
---@field rejected integer
---@field rows integer rows written to all tables
---@field child_rows integer of these, rows of child tables
---@field bytes integer source bytes
---@field balanced boolean

---@class lugger.partition
---@field id string
---@field spec string
---@field bytes integer
---@field position string|nil only in a state
---@field done boolean|nil only in a state
---@field tally lugger.tally|nil only in a state

---@class lugger.source_info
---@field kind string
---@field place string secrets masked
---@field database string
---@field collection string
---@field identity string
---@field bytes integer
---@field documents integer|nil
---@field compressed boolean
---@field metadata_json string
---@field oplog lugger.oplog_info|nil replayed over the documents
---@field warnings string[]
---@field advice string[] for those who look at a source, not for those who run it

---@class lugger.collection_info
---@field database string
---@field collection string
---@field type string
---@field path string
---@field bytes integer
---@field metadata_json string
---@field oplog ""|"untouched"|"touched" whether an oplog is replayed, and changes it

---@class lugger.target_column
---@field name string
---@field type string
---@field not_null boolean
---@field has_default boolean
---@field generated boolean
---@field identity boolean

---@class lugger.target_report
---@field place string
---@field server string
---@field mode "direct"|"staged"|"statement"
---@field mode_reason string
---@field create string[]
---@field after_load string[]
---@field index string[] DDL of stage index
---@field constrain string[] DDL of stage constrain
---@field index_memory string the server's maintenance_work_mem
---@field warnings string[]
---@field problems string[]

---@class lugger.plan_column
---@field name string
---@field type string as DDL spells it
---@field from string
---@field required boolean
---@field on_error string
---@field default string|nil
---@field generate string|nil
---@field id_text_column boolean
---@field ref lugger.column_ref|nil

---@class lugger.table_plan
---@field name string
---@field columns lugger.plan_column[]
---@field key integer[] places of the key's columns, from 1
---@field parent integer|nil place of the parent table, from 1
---@field parent_key integer[]
---@field routed boolean

---@class lugger.job_plan
---@field job string
---@field source string
---@field target string
---@field source_info lugger.source_info
---@field report lugger.target_report
---@field tables lugger.table_plan[]
---@field partitions lugger.partition[]
---@field connections integer
---@field forecast_seconds number 0: unknown
---@field warnings string[]

---@class lugger.preview_row
---@field table integer place in tables, from 1
---@field values string[]
---@field is_null boolean[]

---@class lugger.preview_document
---@field id string
---@field document string relaxed Extended JSON
---@field fate "load"|"skip"|"reject"
---@field table string
---@field column string
---@field code string
---@field message string
---@field rows lugger.preview_row[]

---@class lugger.preview
---@field tables lugger.table_plan[]
---@field documents lugger.preview_document[]
---@field tally lugger.tally

---@class lugger.trace_step
---@field table string
---@field column string
---@field from string
---@field found_type string
---@field found string
---@field type string
---@field result string
---@field outcome string

---@class lugger.trace
---@field document string
---@field steps lugger.trace_step[]
---@field outcome lugger.preview_document
---@field tables lugger.table_plan[]

---@class lugger.run_settings
---@field jobs integer|nil workers
---@field create boolean|nil make missing tables
---@field dry_run boolean|nil everything but the writing
---@field restart boolean|nil forget an unfinished run
---@field accept_changes boolean|nil resume although the script changed
---@field redact boolean|nil rejects keep neither document nor bytes
---@field limit integer|nil documents
---@field retry_rejects boolean|nil the source is the job's rejects
---@field stage "load"|"index"|"constrain"|nil only this stage
---@field force boolean|nil add constraints although rows stand against them, as far as they can be
---@field index_memory string|nil memory for all index builds together, "1GB"
---@field lock_timeout_ms integer|nil how long a statement waits for its lock
---@field lock_tries integer|nil how often it asks for it
---@field window string|nil hours of the day it works in: '22:00-05:00'

---@class lugger.run_snapshot
---@field run string
---@field stage "reading"|"finishing"|"index"|"constrain"|"done"|"failed"|"stopped"
---@field steps lugger.step_progress[] under way
---@field steps_done integer
---@field steps_total integer
---@field tally lugger.tally
---@field total_bytes integer 0: unknown
---@field seconds number
---@field resumed boolean
---@field waits_for string why it does nothing at the moment; "" while it works

---@class lugger.run_result
---@field run string
---@field job string
---@field status "done"|"stopped"|"failed"
---@field tally lugger.tally
---@field seconds number
---@field resumed boolean
---@field dry_run boolean
---@field unmapped table<string, integer>
---@field skip_reasons table<string, integer>
---@field reject_codes table<string, integer>
---@field notes string[]
---@field warnings string[]
---@field refused lugger.refused[] rows that keep constraints from being added
---@field constrained boolean false: they did
---@field stage string of a run that was one stage alone; else ""
---@field error string
---@field hint string
---@field error_code string
---@field resume_command string

---@class lugger.run_record
---@field run string
---@field job string
---@field script_hash string
---@field source string
---@field source_identity string
---@field mode string
---@field status "running"|"stopped"|"failed"|"done"|"abandoned"
---@field command string
---@field started string
---@field updated string
---@field message string
---@field now string
---@field tally lugger.tally

---@class lugger.reject_record
---@field reject integer
---@field run string
---@field job string
---@field table string
---@field document_id string
---@field column string
---@field code string
---@field message string
---@field document string canonical Extended JSON
---@field at string

---@class lugger.field_summary what describe found of one field; the names are those of engine/describe.hpp

local native = {}

--- lugger's version, "0.1.0".
native.version = ''

--- The value null, as a light userdata; lugger.null is the same.
native.null = nil

--- Makes an error object; raise it with error(native.error(...)).
---@param code string
---@param message string
---@param hint string|nil
---@param sqlstate string|nil
---@param notes table<string, string>|nil
---@return lugger.error
function native.error(code, message, hint, sqlstate, notes) end

--- Text of an embedded file: "scripts/mongo_to_postgres.lua", "lugger.lua", "cli/run.lua". nil when there is none.
---@param name string
---@return string|nil
function native.embedded(name) end

--- Names of embedded files that begin with prefix, sorted.
---@param prefix string|nil
---@return string[]
function native.embedded_names(prefix) end

--- Parses TOML text into tables.
---@param text string
---@return table
function native.toml(text) end

--- Makes a job of a normalised specification; lugger.copy does so for scripts.
---@param spec table
---@return lugger.native.job
function native.job(spec) end

---@class lugger.native.job
local job = {}
---@return string
function job:name() end
--- Reads nothing of the data but what columns = 'auto' and the split need; writes nothing.
---@param settings lugger.run_settings|nil
---@return lugger.job_plan
function job:plan(settings) end
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
--- Closes the job's connections; later calls raise.
function job:close() end

---@class lugger.native.run
local run = {}
--- Waits up to timeout_ms for the end of the run.
---@param timeout_ms integer
---@return lugger.run_snapshot
function run:poll(timeout_ms) end
---@return boolean
function run:ended() end
--- 'finish' commits what is under way, 'now' rolls it back.
---@param how "finish"|"now"|nil
function run:stop(how) end
--- Waits for the end.
---@return lugger.run_result
function run:result() end
--- Stops now and frees the workers.
function run:close() end

--- The machinery of a task; lugger.task wraps it.
---@param name string
---@param script_hash string|nil
---@param resume_command string|nil
---@param settings lugger.run_settings|nil
---@param now string|nil the instant of a run that begins, ISO text
---@return lugger.native.task
function native.task(name, script_hash, resume_command, settings, now) end

---@class lugger.native.task
local task = {}
---@param place string
---@param options table|nil
---@param batch_rows integer|nil
---@return integer number
function task:add_cursor(place, options, batch_rows) end
--- The next batch as a pointer for FFI (lug_batch *), nil at the end.
---@param cursor integer
---@return userdata|nil
function task:next(cursor) end
---@param cursor integer
---@return string
function task:position(cursor) end
--- The instant of the run, kept where it goes on: ISO text.
---@return string
function task:now() end
---@param place string
---@param options table|nil
---@param mapping table
function task:set_writer(place, options, mapping) end
---@param batch userdata
function task:write(batch) end
---@param bson string
function task:add(bson) end
---@param batch userdata
---@param index integer from 0
---@param column string
---@param message string
function task:reject(batch, index, column, message) end
---@param position string
function task:commit(position) end
function task:rollback() end
---@param status "done"|"stopped"|"failed"
---@param err any
---@return lugger.run_result
function task:finish(status, err) end
---@return lugger.tally
function task:tally() end
function task:close() end

--- The ledger of a target: runs, partitions, rejects.
---@param target string
---@param options table|nil
---@return lugger.native.state
function native.state(target, options) end

--- The DDL of the ledger, for those who may not create it themselves.
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
---@param job string
---@return lugger.run_record|nil
function state:latest(job) end
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
---@return lugger.partition[]
function state:partitions(run) end
function state:close() end

--- What a place holds; one entry for a single file.
---@param place string
---@param options table|nil
---@return lugger.collection_info[]
function native.collections(place, options) end

--- The options a source takes, by its kind.
---@param place string
---@return { name: string, type: "flag"|"number"|"text"|"choice"|"list"|"flag or text", help: string, fallback: string, choices: string[] }[]
function native.source_options(place) end
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
--- The next batch as a pointer for FFI (lug_batch *), nil at the end. What the batch before held is gone.
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

--- Opens a target, to look at it.
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
---@return lugger.field_summary[]
function native.describe(place, options, limit) end

--- A session with PostgreSQL; "local:" places work too.
---@param url string
---@param purpose string|nil
---@param pooled boolean|"detect"|nil true: through a pooler in transaction mode, where a session keeps no settings
---@return lugger.native.pg
function native.pg(url, purpose, pooled) end

---@class lugger.native.pg
local pg = {}
--- Runs SQL. Values are text, NULL is lugger.null; several statements only without parameters.
---@param sql string
---@param params any[]|nil texts, numbers, booleans; lugger.null for NULL
---@return { names: string[], types: integer[], rows: any[][], affected: integer }
function pg:query(sql, params) end
---@return string server version: "15.18"
function pg:server() end
function pg:close() end

--- The connection URL behind a place: "local:DIR" starts its server, kept until lugger ends; others come back as they are. It may hold a
--- password: never print it.
---@param place string
---@return string
function native.pg_url(place) end

--- Extended JSON text of BSON bytes.
---@param bson string a BSON document
---@param style "canonical"|"relaxed"|"plain"|"typed"|nil
---@return string
function native.json_encode(bson, style) end
--- BSON bytes of one JSON document or value; a value comes as a document whose only field is "".
---@param text string
---@return string
function native.json_decode(text) end

--- A coercer's handle for FFI; lugger.coercer wraps it.
---@param type string
---@param policy table|nil
---@return lugger.native.coercer
function native.coercer(type, policy) end

---@class lugger.native.coercer
local coercer = {}
---@return userdata
function coercer:pointer() end
---@return string the type as DDL spells it
function coercer:type() end

native.system = {}
---@param name string
---@return string|nil
function native.system.getenv(name) end
--- Makes variables of a .env file visible to libraries (PGPASSFILE and the like); what is set already stays.
---@param variables table<string, string>
function native.system.set_dotenv(variables) end
---@param fd integer
---@return boolean
function native.system.isatty(fd) end
--- Columns of the terminal, 0 when there is none.
---@return integer
function native.system.width() end
--- Seconds of a clock that only goes forward.
---@return number
function native.system.monotonic() end
---@param milliseconds integer
function native.system.sleep(milliseconds) end
---@param path string
---@return { size: integer, mtime: number, is_dir: boolean, mode: integer }|nil
function native.system.stat(path) end
---@param path string
---@return string
function native.system.read_file(path) end
--- Names in a directory, sorted; nil when it cannot be read.
---@param path string
---@return string[]|nil
function native.system.list_dir(path) end
--- Makes a directory and those above it.
---@param path string
function native.system.make_dir(path) end
---@return string
function native.system.cwd() end
---@param text string
---@return string
function native.system.sha256(text) end
---@param text string a URL or connection string
---@return string
function native.system.mask_secrets(text) end
---@param a string
---@param b string
---@return integer
function native.system.edit_distance(a, b) end
--- The candidate that word may be a slip of, nil when none is near.
---@param word string
---@param candidates string[]
---@return string|nil
function native.system.nearest(word, candidates) end
---@param bytes integer
---@return string "1.2 MB"
function native.system.human_bytes(bytes) end
---@return integer
function native.system.pid() end
---@return integer
function native.system.cpus() end
--- Becomes another program (found on PATH); returns only by raising.
---@param arguments string[] the program first
---@param environment table<string, string>|nil set on top of ours
function native.system.exec(arguments, environment) end
--- Runs another program on our terminal and waits.
---@param arguments string[]
---@param environment table<string, string>|nil
---@return integer status as a shell gives it
function native.system.spawn(arguments, environment) end
--- Goes on in a new session, output to a file; the terminal's process ends. Before any thread is started.
---@param log string
---@return integer pid
function native.system.detach(log) end
--- Overwrites an argument in the process list: every occurrence of secret becomes "***".
---@param secret string
function native.system.wipe_arguments(secret) end
--- How often Ctrl-C, SIGTERM or SIGHUP came: 0, 1 (finish), 2 (at once).
---@return integer
function native.system.stop_level() end
function native.system.clear_stop() end
--- Whether a signal raises an error (code "interrupted") in the Lua code that runs; off while a run is polled.
---@param raises boolean
---@return boolean before
function native.system.interrupt_raises(raises) end

native.edit = {}
--- Reads a line from the terminal with editing; nil at end of input.
---@param prompt string
---@return string|nil
function native.edit.readline(prompt) end
---@param line string
function native.edit.add_history(line) end
---@param path string
---@return boolean
function native.edit.load_history(path) end
---@param path string
---@return boolean
function native.edit.save_history(path) end
--- Called with (word, line, start) when Tab is pressed; returns a list of words.
---@param complete (fun(word: string, line: string, start: integer): string[])|nil
function native.edit.on_complete(complete) end

return native
