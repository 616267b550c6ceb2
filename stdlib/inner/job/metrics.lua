-- The figures of moves in Prometheus' text format.
local metrics = {}

---@class lugger.metric
---@field [1] string the name behind "lugger_move_"
---@field [2] "gauge"|"counter"
---@field [3] string what it is, with its unit
---@field [4] fun(figures: lugger.move_figures): number|nil nil: not known, so there is no sample

---@param name string
local function field(name)
  return function(figures) return figures[name] end
end

-- Of an oplog that has let nothing go yet it is not known.
local function of_oplog(name)
  return function(figures) return not figures.oplog_young and figures[name] or nil end
end

local function flag(value) return value and 1 or 0 end

local phases = { 'waiting', 'copying', 'catching up', 'following', 'stopped', 'lost' }

---@type lugger.metric[]
local list = {
  { 'lag_seconds', 'gauge', 'From the position to where the source is, in seconds of the source.', field 'lag_s' },
  { 'position_seconds', 'gauge', 'All changes before this are kept or applied, in seconds since 1970 of the source.',
    field 'position_s' },
  { 'documents_total', 'counter', 'Documents that were copied, or changes that were applied, by the run.',
    field 'read' },
  { 'documents_per_second', 'gauge', 'The same over the last ten seconds.', field 'read_per_s' },
  { 'kept_changes', 'gauge', 'Keys of changed documents that wait to be settled.', field 'kept' },
  { 'rejects', 'gauge', 'Documents that are rejected, as it stands.', field 'rejects' },
  { 'stale_rows', 'gauge', 'Rejected documents of which an older row stands in the target.', field 'stale' },
  { 'oplog_window_seconds', 'gauge', "How far back the source's oplog reaches.", of_oplog 'oplog_s' },
  { 'oplog_left_seconds', 'gauge', 'How much of it lies before the position.', of_oplog 'oplog_left_s' },
  { 'log_kept_bytes', 'gauge', "How much of its log a PostgreSQL source keeps for the job's slot.",
    field 'log_kept_bytes' },
  { 'alarm', 'gauge', '1: the lag has eaten half of the oplog, or a slot keeps more of the log than it may.',
    function(figures) return flag(figures.alarm) end },
  { 'waiting_seconds', 'gauge', 'Since a server that it waits for was heard of; 0: it does not wait.',
    function(figures) return figures.waits_s or 0 end },
}

--- The value of a label.
---@param text string
---@return string
function metrics.escaped(text)
  return (text:gsub('[\\"\n]', { ['\\'] = '\\\\', ['"'] = '\\"', ['\n'] = '\\n' }))
end

local function number(value)
  return value % 1 == 0 and ('%d'):format(value) or ('%.3f'):format(value)
end

--- One series a job in each family.
---@param jobs lugger.move_figures[]
---@return string
function metrics.text(jobs)
  local lines = {}
  local function head(name, kind, help)
    lines[#lines + 1] = ('# HELP lugger_move_%s %s'):format(name, help)
    lines[#lines + 1] = ('# TYPE lugger_move_%s %s'):format(name, kind)
  end
  for _, one in ipairs(list) do
    head(one[1], one[2], one[3])
    for _, figures in ipairs(jobs) do
      local value = one[4](figures)
      if value then
        lines[#lines + 1] = ('lugger_move_%s{job="%s"} %s'):format(one[1], metrics.escaped(figures.job), number(value))
      end
    end
  end
  head('phase', 'gauge', '1 for the phase of the job: ' .. table.concat(phases, ', ') .. '.')
  for _, figures in ipairs(jobs) do
    for _, phase in ipairs(phases) do
      lines[#lines + 1] = ('lugger_move_phase{job="%s",phase="%s"} %d'):format(metrics.escaped(figures.job), phase,
        flag(figures.phase == phase))
    end
  end
  return table.concat(lines, '\n') .. '\n'
end

return metrics
