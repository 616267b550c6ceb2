---@meta lugger.native
-- Verification, repair and verdicts.

---@class lugger.verify_options
---@field jobs integer|nil connections that read at once; one a core when not given, at most 4
---@field sample number|nil a number of rows, or below 1 a confidence; every row when not given
---@field seed integer|nil the same sample again
---@field where string|nil SQL condition on the target's own table: missing rows are not looked for
---@field since string|nil a time, or FIELD=TIME: extra rows are not looked for
---@field columns string[]|string|nil only these, and the key
---@field limit_shown integer|nil rows shown, of each table and kind; 10 when not given
---@field group_rows integer|nil source rows held at a time while they are compared one by one; 400,000 when not given
---@field rechecks integer|nil how often at most rows that differ are read again; 5 when not given
---@field overwrite_newer boolean|nil with on_conflict = 'newer': rows newer than their documents are different, and are
--- mended

---@class lugger.repair_options : lugger.verify_options
---@field apply boolean|nil write; without it nothing is written
---@field delete_extra boolean|nil with apply: rows that no document makes go
---@field delete_many boolean|nil with delete_extra: also when they are more than a tenth of a table

---@class lugger.verdict
---@field equal boolean
---@field job string
---@field run string the run that loaded the rows; "" when none is recorded
---@field run_status string
---@field run_now string what lugger.now() gave in that run, and in this comparison
---@field script_hash string
---@field mapping_hash string of tables, columns, types and paths
---@field source string secrets masked
---@field source_identity string
---@field target string secrets masked
---@field target_identity string
---@field server string
---@field position string the snapshot the target was read in
---@field started string ISO, UTC
---@field finished string ISO, UTC
---@field seconds number
---@field seed integer of the digests and the sample
---@field documents integer read
---@field skipped integer by the hook: not expected
---@field rejected integer by the mapping: not expected
---@field kept_rejects integer among the rejects of the load: not expected
---@field unmapped table<string, integer> path -> documents; no column takes it
---@field replaced table<string, integer> table.column -> values that on_error replaced
---@field skip_reasons table<string, integer>
---@field reject_codes table<string, integer>
---@field tables lugger.table_verdict[]
---@field altered lugger.column_finding[]
---@field rows lugger.row_finding[] the first of each table and kind
---@field window string --since in words; "" when not asked for
---@field where string
---@field columns string those of --columns; "": all
---@field sample string what the sample proves, in words
---@field looked_for_missing boolean
---@field looked_for_extra boolean
---@field reasons string[] why it cannot be called equal, beyond rows and columns: "the load is not finished"
---@field notes string[]
---@field warnings string[]

---@class lugger.table_verdict
---@field table string
---@field source integer rows expected; equal + missing + different + older
---@field target integer rows there; equal + extra + different + newer
---@field equal integer
---@field missing integer
---@field extra integer
---@field different integer
---@field newer integer rows of documents that the target has newer, with on_conflict = 'newer'
---@field older integer the source's rows of these
---@field duplicates integer source rows that gave way to another of the same key
---@field settled integer rows that differed at first, and not when read again
---@field source_digest string
---@field target_digest string
---@field columns string[] compared
---@field left_out string[] not compared: filled by the server or the clock

---@class lugger.column_finding
---@field table string
---@field column string
---@field wanted string the type of the mapping
---@field found string the type in the table; "" when there is no such column

---@class lugger.row_finding
---@field kind "missing"|"extra"|"different"
---@field table string
---@field key string "mongo_id=64f1..., ordinal=2"
---@field columns { column: string, source: string|nil, target: string|nil }[] those that differ; nil is NULL

---@class lugger.repair
---@field applied boolean
---@field run string its run in the ledger; "" when nothing was written
---@field documents integer written again, or that would be
---@field deleted integer rows
---@field extra_left integer rows that no document makes, and that stay without delete_extra
---@field beyond_keys integer extra rows that no key tells from the right ones: they stay
---@field of_refused integer extra rows of documents that were refused: they stay
---@field refused string why the extra rows would not be deleted; "" when nothing is in the way
---@field rounds integer
---@field notes string[]

---@class lugger.verify_snapshot
---@field stage string
---@field documents integer
---@field bytes integer
---@field total_bytes integer 0: unknown
---@field rows integer of the target
---@field seconds number

local native = {}

--- Starts to compare source and target of a job.
---@param job lugger.native.job
---@param options table|nil as lugger.verify_options, with `since_field` apart
---@return lugger.native.verification
function native.verify(job, options) end
--- The same, and mends what was found.
---@param job lugger.native.job
---@param options table|nil
---@param apply boolean write
---@param delete_extra boolean
---@param delete_many boolean|nil
---@return lugger.native.verification
function native.repair(job, options, apply, delete_extra, delete_many) end

---@class lugger.native.verification
local verification = {}
--- Waits up to timeout_ms for the end.
---@param timeout_ms integer|nil
---@return lugger.verify_snapshot
function verification:poll(timeout_ms) end
---@return boolean
function verification:ended() end
--- Asks it to stop; result() then raises "interrupted".
function verification:stop() end
--- Waits for the end; raises what it failed with. After a repair the verdict of what is there now.
---@return lugger.verdict
function verification:result() end
--- The verdict before the repair.
---@return lugger.verdict
function verification:before() end
--- What the repair did.
---@return lugger.repair
function verification:repair() end

native.verdict = {}

--- Makes an Ed25519 key pair: the secret file with mode 0600, the public one, and the public key as a line.
---@param secret string path
---@param public string path
---@return string
function native.verdict.make_key(secret, public) end
--- The text of a minisign signature over bytes.
---@param bytes string
---@param secret string path; refused when others than its owner may read it
---@param comment string one line, signed too
---@return string
function native.verdict.sign(bytes, secret, comment) end
--- "" when the signature is that of the key over these bytes; otherwise why not.
---@param bytes string
---@param signature string text of the signature file
---@param key string a public key as a line, or the text of its file
---@return string
function native.verdict.check(bytes, signature, key) end

return native
