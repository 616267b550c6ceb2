-- The library: local lugger = require 'lugger'. Functions that a hook may call are loaded at once; the others when they
-- are first used, so that a worker loads only what it needs.
local action = require 'lugger.inner.script.action'
local clock = require 'lugger.inner.base.clock'
local codec = require 'lugger.inner.base.codec'
local dates = require 'lugger.inner.base.date'
local decimals = require 'lugger.inner.base.decimal'
local intervals = require 'lugger.inner.base.interval'
local document = require 'lugger.inner.base.document'
local frozen = require 'lugger.inner.script.frozen'
local key = require 'lugger.inner.base.key'
local native = require 'lugger.native'
local shared = require 'lugger.inner.script.shared'
local value = require 'lugger.inner.base.value'
local bson = require 'lugger.inner.base.bson'

---@class lugger
---@field null userdata null: a value, distinct from nil
---@field remove table what removes a field in doc:with
---@field base64 lugger.base64 bytes as base64
---@field csv lugger.csv rows of CSV
---@field hex lugger.hex bytes as hex digits
---@field text lugger.text UTF-8 text: case, length, parts
---@field doc lugger.doc the methods of documents as functions, where a field hides one: lugger.doc.copy(doc)
---@field version string
---@field env lugger.env variables by name, from the environment, .env and lugger.toml
local lugger = { null = value.null, remove = value.remove, version = native.version }

---@class lugger.copy_spec
---@field from lugger.source
---@field into lugger.target
---@field columns lugger.column[]|"auto"|"document" { 'email', 'text', required = true }, ...
---@field children lugger.child_spec[]|nil { table =, from = 'tags[]', columns = { ... } }, ...
---@field map nil|fun(row: lugger.row, doc: lugger.doc): any the hook, called once a row
---@field name string|nil what the ledger knows the job by; source and table when not given
---@field key string|string[]|nil the columns that identify a row; else the target's option
---@field table string|nil else the target's option
---@field on_conflict "error"|"skip"|"update"|"newer"|nil else the target's option
---@field newer string|nil on_conflict = 'newer': the column that says which row is newer
---@field route lugger.route_spec|nil { from = 'kind', tables = { a = 'table_a' }, otherwise = 'rest' }
---@field unmapped "warn"|"error"|"ignore"|nil fields that no column takes
---@field indexes lugger.index_spec[]|nil { 'email', unique = true }, ...; built after the load
---@field constraints (lugger.constraint_spec|string)[]|nil 'check (age >= 0)', { not_null = 'email' }; after the load
---@field not_null string|string[]|nil columns that become NOT NULL after the load, when all rows are in
---@field on_hook_error "stop"|"reject"|nil
---@field on_ddl "stop"|"warn"|"apply"|lugger.on_ddl_spec|nil what is done when a live collection is dropped, ...
---@field manifest lugger.manifest_spec|table<string, table>|nil how the vectors were made: { model = 'e5-small' }
---@field throttle lugger.throttle_spec|nil when to step back for the target's health
---@field verify lugger.verify_options|nil how it is verified when nothing else is asked for: { recall = { k = 10 } }

--- What a job that follows changes does about what is done to its collection as a whole. By default it stops at the
--- first three, and warns of the others.
---@class lugger.on_ddl_spec
---@field drop "stop"|"warn"|"apply"|nil apply: the rows are deleted
---@field rename "stop"|"warn"|"apply"|nil apply: the new name is followed
---@field dropDatabase "stop"|"warn"|"apply"|nil
---@field create "stop"|"warn"|nil from MongoDB 6.0 on, as the rest
---@field collMod "stop"|"warn"|nil
---@field createIndexes "stop"|"warn"|nil
---@field dropIndexes "stop"|"warn"|nil

--- Describes a copy from a source into a target. The command line plans, previews or runs what a script returns.
---@param spec lugger.copy_spec
---@return lugger.job
function lugger.copy(spec)
  return require('lugger.inner.job.job').copy(spec)
end

---@class lugger.move_spec
---@field jobs lugger.job[] copies from live sources

--- Describes a move: copies whose sources go on being written to. `lugger move` copies them and then applies their
--- changes until it is stopped; `lugger run` copies them once.
---@param spec lugger.move_spec
---@return lugger.job[]
function lugger.move(spec)
  return require('lugger.inner.job.move').new(spec)
end

---@class lugger.fix_spec
---@field on lugger.target the table: { table =, key = }; without a key its primary key
---@field set string[] what map may write: columns, or paths into jsonb columns ('profile.phone')
---@field map fun(row: lugger.row, doc: lugger.doc): any the hook, called once a row
---@field where string|nil SQL condition that says which rows, about the row itself
---@field query string|nil SQL that gives the keys of the rows, asked once
---@field params any[]|nil $1, $2, ... of where or query
---@field max_rows integer|nil more changes than this are refused before the first write; 10,000 when not given
---@field name string|nil what the ledger knows it by; 'fix TABLE' when not given
---@field batch_rows integer|nil rows a transaction; 1,000 when not given
---@field retention string|nil how long before and after of every row are kept; '30d' when not given
---@field throttle lugger.throttle_spec|nil when to step back
---@field on_hook_error "stop"|"reject"|nil

--- Describes a fix: a function corrects rows of a table. `lugger run` shows what would change, `--apply` writes it, and
--- `lugger undo` restores the old values.
---@param spec lugger.fix_spec
---@return lugger.fix
function lugger.fix(spec)
  return require('lugger.inner.fix.fix').new(spec)
end

--- A task: a loop written by hand over batches, with run, --dry-run, resume, rejects and progress as for jobs.
---@param name string
---@param body fun(task: lugger.task_context)
---@return lugger.task
function lugger.task(name, body)
  return require('lugger.inner.job.task').new(name, body)
end

--- A source: a .bson, JSON or CSV file, a directory of them, an archive, "-" for standard input, a PostgreSQL URL.
--- Opened when it is used.
---@param place string path, URL, or the name of a connection in lugger.toml
---@param options lugger.source_options|lugger.place_model|nil
---@return lugger.source
function lugger.source(place, options)
  return require('lugger.inner.job.place').source(place, options)
end

--- A target: a PostgreSQL URL, local: or local:DIR, a .jsonl file. Opened when it is used.
---@param place string URL, path, or the name of a connection in lugger.toml
---@param options lugger.target_options|lugger.place_model|nil { table =, key =, on_conflict =, ... }
---@return lugger.target
function lugger.target(place, options)
  return require('lugger.inner.job.place').target(place, options)
end

--- The place of the most recent target; `pg` at the prompt connects to it.
---@return string|nil
---@internal
function lugger.last_target()
  return require('lugger.inner.job.place').last_target()
end

--- A model behind an HTTP endpoint that speaks OpenAI's /v1/embeddings: it makes vectors of texts, for docs:search and
--- for recall. Nothing is asked before a text is there.
---@param spec lugger.embed_spec
---@return lugger.embedder
function lugger.embed(spec)
  return require('lugger.inner.job.embed').new(spec)
end

--- Declares the options of a script and returns their values: each becomes a flag.
---@param specs table<string, lugger.option_spec>
---@return table<string, any>
function lugger.options(specs)
  return require('lugger.inner.script.options').declare(specs)
end

--- A coercer: what a column of this type does to a value.
---@param type string 'numeric(12,2)', 'timestamptz', 'uuid', ...
---@param policy lugger.coercer_policy|nil as in a column: { decimal = ',', fraction = 'round' }
---@return lugger.coercer
function lugger.coercer(type, policy)
  return require('lugger.inner.base.coercer').new(type, policy)
end

--- A field's name as a column's: createdAt -> created_at, HTTPServer -> http_server, userIDs -> user_ids.
---@param name string
---@return string
function lugger.snake_case(name)
  return require('lugger.inner.base.names').snake_case(name)
end

--- Names of tables for collections, as `mongo_to_postgres` chooses them, by "database.collection". A dot becomes "_".
--- When several databases have a collection of the same name, the database is put in front.
---@param collections lugger.collection_info[] every collection of the place: what is loaded of them changes no name
---@param settings { snake_case: boolean|nil, schema: string|nil }|nil
---@return table<string, lugger.names.change>
function lugger.table_names(collections, settings)
  return (require('lugger.inner.base.names').of_tables(collections, settings))
end

---@class lugger.error_fields
---@field message string what is wrong, and where
---@field code string|nil one of those on the page "errors"; "config" when not given
---@field hint string|nil what to do next

--- Raises an error of lugger's kind: it is printed with the line of the script and the hint, and ends the program as
--- its code says. A text is the message.
---@param fields lugger.error_fields|string
---@return never
function lugger.error(fields)
  return require('lugger.inner.script.raise').error(fields)
end

--- Waits. Ctrl-C ends it at once, as it ends the script or stops its task.
---@param seconds number
function lugger.sleep(seconds)
  require('lugger.inner.script.raise').sleep(seconds)
end

--- Writes a warning to standard error.
---@param text string
function lugger.warn(text)
  require('lugger.inner.view.terminal').warn(text)
end

--- A regular expression (PCRE2, Perl's language) for UTF-8 text: re:match, re:find, re:gmatch, re:gsub, re:test,
--- re:groups. Write it in [[ ]], where a backslash is one. A pattern that tries too many ways to match raises.
---@param pattern string|lugger.typed text, or a regular expression of a document
---@param flags string|nil some of i (ignore case), m (^ and $ at each line), s (a dot matches line ends), x (blanks)
---@return lugger.regex
function lugger.regex(pattern, flags)
  return require('lugger.inner.base.regex').new(pattern, flags)
end

--- SHA-256 as 64 hex digits; lugger.hex.decode gives its bytes.
---@param v string|lugger.binary
---@return string
function lugger.sha256(v)
  return require('lugger.inner.base.digest').sha(256, v, 'lugger.sha256')
end

--- SHA-512 as 128 hex digits.
---@param v string|lugger.binary
---@return string
function lugger.sha512(v)
  return require('lugger.inner.base.digest').sha(512, v, 'lugger.sha512')
end

--- HMAC with SHA-256, as 64 hex digits.
---@param secret string|lugger.binary
---@param v string|lugger.binary
---@return string
function lugger.hmac_sha256(secret, v)
  return require('lugger.inner.base.digest').hmac(256, secret, v, 'lugger.hmac_sha256')
end

--- HMAC with SHA-512, as 128 hex digits.
---@param secret string|lugger.binary
---@param v string|lugger.binary
---@return string
function lugger.hmac_sha512(secret, v)
  return require('lugger.inner.base.digest').hmac(512, secret, v, 'lugger.hmac_sha512')
end

--- Whether two texts are the same, in a time that does not tell where they differ: for signatures.
---@param a string|lugger.binary
---@param b string|lugger.binary
---@return boolean
function lugger.same_bytes(a, b)
  return require('lugger.inner.base.digest').same(a, b)
end

--- Paths that a pattern names, sorted: `lugger.glob 'dumps/*/users.bson'`. *, ? and [a-z] stand for characters of one
--- name; names that begin with a dot are left out.
---@param pattern string
---@return string[]
function lugger.glob(pattern)
  return require('lugger.inner.base.files').glob(pattern)
end

--- The whole of a file as it is.
---@param path string
---@return string
function lugger.read_file(path)
  return require('lugger.inner.base.files').read(path)
end

--- Goes over the lines of a file, gzip or not, in little memory, without their ends (LF or CRLF).
---@param path string "-" for standard input
---@return fun(): string|nil
function lugger.lines(path)
  return require('lugger.inner.base.files').lines(path)
end

--- Writes a file as a whole: under another name first, then renamed, so that it is complete or as it was. Not in a
--- sandbox.
---@param path string
---@param text string|lugger.binary
function lugger.write_file(path, text)
  require('lugger.inner.base.files').write(path, text)
end

--- SQL over a session of its own: `local db = lugger.session 'warehouse'`, then `db:query('select $1::int as n', 5)`.
--- It is opened when it is first used, and closed by db:close() or by the collector.
---@param place string URL, local:DIR, or the name of a connection
---@return lugger.db
function lugger.session(place)
  return require('lugger.inner.sql.session').open(place)
end

--- In a hook: skips the document; skips are counted by reason.
lugger.skip = action.skip
--- In a hook: makes the document a reject with this message.
lugger.reject = action.reject
--- In a hook: adds one more row for the same document.
lugger.emit = action.emit
--- In a hook: sends the row to another of the job's tables.
lugger.route = action.route

lugger.scratch = frozen.scratch
lugger.shared = shared.new

lugger.objectid = value.objectid
lugger.uuid = value.uuid
lugger.uuid_v5 = value.uuid_v5
lugger.date = dates.new
lugger.decimal = decimals.new
lugger.interval = intervals.new
lugger.binary = value.binary
lugger.int64 = value.int64
lugger.double = value.double
lugger.vector = codec.vector
lugger.array = document.array
lugger.document = document.document
lugger.now = clock.now
lugger.key = key.of
lugger.type = codec.type

--- The text of an _id as the column mongo_id holds it.
---@param id any
---@param style "safe"|"plain"|nil
---@return string
function lugger.id_text(id, style)
  return bson.id_text(id, style)
end

---@type table<string, boolean>
local modules = { base64 = true, csv = true, doc = true, hex = true, json = true, text = true }
local apart = { schema = true, test = true, mongo_index = true } -- modules that are loaded by `require` only

--- Whether lugger has something of this name: reading one that it has not is an error.
---@param name string
---@return boolean
function lugger.has(name)
  return rawget(lugger, name) ~= nil or modules[name] == true or name == 'env'
end

setmetatable(lugger, {
  __index = function(self, name)
    if name == 'env' then
      self.env = require('lugger.inner.cli.config').env
      return self.env
    elseif modules[name] then
      self[name] = require('lugger.' .. name)
      return self[name]
    end
    require('lugger.inner.script.raise').no_member(self, name, modules, apart)
  end,
})

return lugger
