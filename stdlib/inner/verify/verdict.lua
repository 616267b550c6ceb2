-- Verdicts: the result of a verification as a file that can be signed and checked.
local config = require 'lugger.inner.cli.config'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local recall_view = require 'lugger.inner.verify.recall_view'
local system = native.system

local verdict = {}

verdict.format = 'lugger-verdict/1'

--- The location of the key pair: outside any project, so that it is not committed by mistake.
---@return string secret
---@return string public
function verdict.key_files()
  local home = system.getenv('HOME')
  local base = system.getenv('XDG_CONFIG_HOME')
  if not base or base == '' then
    if not home or home == '' then config.raise('HOME is not set, so there is no place for the key') end
    base = home .. '/.config'
  end
  native.gate.allow(base .. '/lugger') -- a sandbox limits only scripts, and scripts cannot call this
  return base .. '/lugger/verdict.key', base .. '/lugger/verdict.pub'
end

local texts = { 'job', 'run', 'run_status', 'run_now', 'script_hash', 'mapping_hash', 'source', 'source_identity',
  'target', 'target_identity', 'server', 'position', 'source_position', 'applied_position',
  'started', 'finished', 'window', 'where', 'sample', 'columns' }
local numbers = { 'seconds', 'seed', 'documents', 'skipped', 'rejected', 'kept_rejects', 'changing' }
local counts = { 'source', 'target', 'equal', 'missing', 'extra', 'different', 'newer', 'older', 'duplicates',
  'settled' }

local function table_fields(found)
  local out = { table = found.table, source_digest = found.source_digest, target_digest = found.target_digest,
    columns = json.list(found.columns), left_out = json.list(found.left_out), differing = found.differing }
  for _, name in ipairs(counts) do out[name] = tonumber(found[name]) end
  return out
end

local function row_fields(row)
  local columns = json.list {}
  for i, column in ipairs(row.columns) do
    columns[i] = { column = column.column, source = column.source, target = column.target }
  end
  return { kind = row.kind, table = row.table, key = row.key, columns = columns }
end

--- One job's verdict as plain fields, for --json and the file.
---@param found lugger.verdict
---@return table
function verdict.fields(found)
  local out = { equal = found.equal, looked_for_missing = found.looked_for_missing,
    looked_for_extra = found.looked_for_extra, unmapped = found.unmapped, replaced = found.replaced,
    skip_reasons = found.skip_reasons, reject_codes = found.reject_codes,
    tables = json.list {}, altered = json.list {}, rows = json.list {},
    reasons = json.list(found.reasons), notes = json.list(found.notes), warnings = json.list(found.warnings) }
  for _, name in ipairs(texts) do
    if found[name] ~= '' then out[name] = found[name] end
  end
  for _, name in ipairs(numbers) do out[name] = tonumber(found[name]) end
  for i, one in ipairs(found.tables) do out.tables[i] = table_fields(one) end
  for i, one in ipairs(found.altered) do out.altered[i] = one end
  for i, one in ipairs(found.rows) do out.rows[i] = row_fields(one) end
  if found.recall then out.recall = recall_view.fields(found.recall) end
  return out
end

--- The text of a verdict file over several jobs.
---@param list lugger.verdict[]
---@param failed { job: string, error: string }[] jobs that could not be verified
---@return string
function verdict.text(list, failed)
  local jobs, equal, not_verified = json.list {}, #failed == 0, json.list {}
  for i, found in ipairs(list) do
    jobs[i] = verdict.fields(found)
    equal = equal and found.equal
  end
  for i, one in ipairs(failed) do not_verified[i] = { job = one.job, error = one.error } end
  return json.encode { format = verdict.format, lugger = native.version, equal = equal, jobs = jobs,
    failed = #failed > 0 and not_verified or nil, written = os.date('!%Y-%m-%dT%H:%M:%SZ') } .. '\n'
end

--- Writes a verdict file and, when there is a key, its signature in FILE.minisig.
---@param path string
---@param list lugger.verdict[]
---@param failed { job: string, error: string }[] jobs that could not be verified
---@return boolean signed
function verdict.write(path, list, failed)
  local text = verdict.text(list, failed)
  local secret = verdict.key_files()
  local signature = system.stat(secret)
    and native.verdict.sign(text, secret, 'verdict written ' .. os.date('!%Y-%m-%dT%H:%M:%SZ'))
  system.write_file(path, text)
  if signature then
    system.write_file(path .. '.minisig', signature)
  else
    os.remove(path .. '.minisig') -- the signature of an earlier verdict would be wrong
  end
  return signature ~= nil
end

--- Makes the key pair that verdicts are signed with.
---@return string secret path
---@return string public path
---@return string line the public key itself
function verdict.make_key()
  local secret, public = verdict.key_files()
  return secret, public, native.verdict.make_key(secret, public)
end

local function public_key(key)
  if key and key:match('^RW[%w+/]+=*$') and not system.stat(key) then return key end
  local path = key or select(2, verdict.key_files())
  if not system.stat(path) then
    config.raise(('there is no public key %s'):format(path),
      '--key takes the file, or the key itself: one line that begins with RW')
  end
  return system.read_file(path)
end

--- Checks a verdict file against its signature. Returns the reason why it does not match; nil: it matches.
---@param path string
---@param key string|nil a public key or its file; that of this user when not given
---@return string|nil problem
function verdict.check(path, key)
  if not system.stat(path) then config.raise(('there is no file %s'):format(path)) end
  local open_key = public_key(key)
  if not system.stat(path .. '.minisig') then return 'there is no signature ' .. path .. '.minisig' end
  local problem = native.verdict.check(system.read_file(path), system.read_file(path .. '.minisig'), open_key)
  return problem ~= '' and problem or nil
end

return verdict
