-- The fixes and undos in a ledger.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'

local fix_log = {}

---@class lugger.fix_log.entry
---@field run string
---@field kind "fix"|"undo"
---@field job string
---@field status string
---@field started string ISO text, UTC
---@field ended string
---@field table string
---@field condition string
---@field key string columns, comma separated
---@field fields string columns and paths, comma separated
---@field undoes string the run it takes back; ''
---@field undone_by string runs that took it back, comma separated; ''
---@field images string how many images are kept
---@field images_until string
---@field command string
---@field message string
---@field read string
---@field changed string
---@field unchanged string
---@field skipped string
---@field rejected string

local columns = { 'run', 'kind', 'job', 'status', 'started', 'ended', 'table', 'condition', 'key', 'fields', 'undoes',
  'undone_by', 'images', 'images_until', 'command', 'message', 'read', 'changed', 'unchanged', 'skipped', 'rejected' }

local iso = [[pg_catalog.to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')]]
local query = ([[SELECT r.run, r.mode, r.job, r.status, {iso r.started_at}, {iso r.updated_at}, f."table", f.condition,
  pg_catalog.array_to_string(f.key, ', '), pg_catalog.array_to_string(f.fields, ', '), coalesce(f.undoes, ''),
  coalesce((SELECT pg_catalog.string_agg(u.run, ', ' ORDER BY u.run) FROM %s.fixes u WHERE u.undoes = f.run), ''),
  (SELECT pg_catalog.count(*) FROM %s.images i WHERE i.run = f.run), {iso f.images_until}, r.command, r.message,
  coalesce(pg_catalog.sum(p.read), 0), coalesce(pg_catalog.sum(p.updated), 0), coalesce(pg_catalog.sum(p.unchanged), 0),
  coalesce(pg_catalog.sum(p.skipped), 0),
  coalesce(pg_catalog.sum(p.rejected), 0)
FROM %s.fixes f JOIN %s.runs r ON r.run = f.run LEFT JOIN %s.partitions p ON p.run = f.run
WHERE $1 = '' OR f.run = $1 GROUP BY r.run, f.run ORDER BY r.started_at DESC, r.run DESC LIMIT $2::int8]])
  :gsub('{iso ([^}]+)}', function(column) return (iso:format(column):gsub('%%', '%%%%')) end)

--- The quoted name of a target's ledger.
---@param options table|nil the target's
---@return string
function fix_log.schema(options)
  local name = options and options.state_schema or config.find('LUGGER_STATE_SCHEMA') or 'lugger'
  return '"' .. name:gsub('"', '""') .. '"'
end

--- The fixes and undos of a target, newest first; only one when its run is given.
---@param target { place: string, options: table|nil }
---@param run string|nil
---@param limit integer|nil 20 when not given
---@return lugger.fix_log.entry[]
function fix_log.entries(target, run, limit)
  if not native.place_kind(target.place).sql then return {} end
  local session = native.pg(target.place, 'log', 'detect')
  local schema = fix_log.schema(target.options)
  local there = session:query('SELECT pg_catalog.to_regclass($1) IS NOT NULL', { schema .. '.fixes' }).rows[1][1]
  if there ~= 't' then return {} end
  local sql = query:gsub('%%s', function() return schema end)
  local out = {}
  for i, row in ipairs(session:query(sql, { run or '', tostring(limit or 20) }).rows) do
    local entry = {}
    for place, name in ipairs(columns) do entry[name] = row[place] end
    out[i] = entry
  end
  return out
end

return fix_log
