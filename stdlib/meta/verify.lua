---@meta lugger.native
-- Verification, repair and verdicts.

---@class lugger.verify_options
---@field jobs integer|nil connections that read at once; one a core when not given, at most 4
---@field sample number|nil a number of rows, or below 1 a confidence; every row when not given
---@field seed integer|nil the same sample again
---@field where string|nil SQL condition on the target's own table: missing rows are not looked for
---@field where_of_all boolean|nil all rows that the source makes satisfy `where`: missing rows are looked for, too
---@field since string|nil a time, or FIELD=TIME: extra rows are not looked for
---@field columns string[]|string|nil only these, and the key
---@field limit_shown integer|nil rows shown, of each table and kind; 10 when not given
---@field live boolean|nil the source is written to, and a move applies its changes
---@field recall lugger.recall_options|true|nil whether search finds on both sides what it should
---@field group_rows integer|nil source rows held at a time while they are compared one by one; 400,000 when not given
---@field rechecks integer|nil how often at most rows that differ are read again; 5 when not given
---@field overwrite_newer boolean|nil with on_conflict = 'newer': rows newer than their documents are different, and are
--- mended

---@class lugger.recall_options
---@field column string|nil the column with the vectors; needed where there are several
---@field k integer|nil neighbours that a query asks for; 10 when not given
---@field sample integer|nil so many stored vectors are the queries; 100 when not given
---@field queries string|nil a file of queries instead of a sample: a JSON object a line, { vector, filter }
---@field metric "cosine"|"dot"|"l2"|"l1"|"hamming"|"jaccard"|nil that of the index when not given
---@field least number|nil the least recall of the target that counts as equal; 0.95 when not given

---@class lugger.repair_options : lugger.verify_options
---@field apply boolean|nil write; without it nothing is written
---@field delete_extra boolean|nil with apply: rows that no document makes go
---@field delete_many boolean|"unless_none"|nil with delete_extra: also when they are more than a tenth of a table; or
--- so, but nothing where the source gives nothing

---@class lugger.native
local native = {}

--- Starts a comparison of a job's source and target.
---@param job lugger.native.job
---@param options table|nil as lugger.verify_options, with `since_field` apart
---@return lugger.native.verification
function native.verify(job, options) end
--- The same, and repairs what it finds.
---@param job lugger.native.job
---@param options table|nil
---@param apply boolean|nil write
---@param delete_extra boolean|nil
---@param delete_many boolean|"unless_none"|nil
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
--- Waits for the end; raises the error that it failed with. After a repair, this is the verdict of the second
--- verification.
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
--- "" when the signature is that of the key for these bytes; otherwise why not.
---@param bytes string
---@param signature string text of the signature file
---@param key string a public key as a line, or the text of its file
---@return string
function native.verdict.check(bytes, signature, key) end

return native
