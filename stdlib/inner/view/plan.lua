-- A plan as text: source, target, mode, tables, DDL, forecast, problems.
local load_advice = require 'lugger.inner.job.load_advice'
local oplog_view = require 'lugger.inner.view.oplog'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local plan_view = {}

local function names(table_plan, places)
  local list = {}
  for i, place in ipairs(places) do list[i] = table_plan.columns[place].name end
  return table.concat(list, ', ')
end

local function policy(column)
  local words = {}
  if column.required then words[#words + 1] = 'required' end
  if column.default then words[#words + 1] = 'default ' .. column.default end
  if column.on_error and column.on_error ~= 'reject' then words[#words + 1] = 'on error: ' .. column.on_error end
  return table.concat(words, ', ')
end

local function origin(column)
  ---@type table<string, string|nil>
  local generated = {
    v5 = '(UUIDv5 of _id)', v7 = '(UUIDv7)', server = "(the server's default)", parent_key = "(parent's key)",
    ordinal = '(place in the array)', entry = "(the field's name)",
    constant = '(constant)',
  }
  if column.generate and generated[column.generate] then return generated[column.generate] end
  if column.computed then return '(computed by map)' end
  if column.ref then
    return ('%s (%s of %s.%s)'):format(column.from, column.ref.column, column.ref.database, column.ref.collection)
  end
  if column.from == '*' then return '* (what no other column took)' end
  return column.from
end

local function show_tables(plan)
  for i, table_plan in ipairs(plan.tables) do
    local key = #table_plan.key > 0 and 'key ' .. names(table_plan, table_plan.key) or 'no key'
    local parent = table_plan.parent and ', child of ' .. plan.tables[table_plan.parent].name or ''
    terminal.line(i > 1 and '\n' or '', '  table ', table_plan.name, ' (', key, parent, table_plan.routed
      and ', routed' or '', ')')
    local rows = {}
    for c, column in ipairs(table_plan.columns) do
      rows[c] = { column.name, column.type, origin(column), policy(column) }
    end
    terminal.line(table_view.render({ 'column', 'type', 'from', 'policy' }, rows, { indent = '    ' }))
  end
end

local function show_statements(title, statements)
  if #statements == 0 then return end
  terminal.line('\n  ', title)
  for _, sql in ipairs(statements) do
    local text = sql:gsub('%s+$', ''):gsub('\n', '\n    ')
    terminal.line('    ', text, text:sub(-1) == ';' and '' or ';')
  end
end

-- On a terminal a sentence is wrapped below itself.
local function wrapped(text, indent)
  if not terminal.is_terminal(1) then return text end
  return terminal.wrap(text, (' '):rep(indent), terminal.width()):sub(indent + 1)
end

local function show_list(title, list)
  if #list == 0 then return end
  terminal.line('\n  ', title)
  for _, text in ipairs(list) do terminal.line('    ', wrapped(text, 4)) end
end

local function stage_title(report, plan, settings)
  local each = settings.index_memory and settings.index_memory .. ' of memory for all together'
    or (report.index_memory or '') .. ' of memory each (maintenance_work_mem)'
  return ('stage index, up to %d at a time, %s'):format(settings.jobs or plan.connections, each)
end

local function describe_source(info)
  local words = { info.kind }
  if tonumber(info.bytes) > 0 then words[#words + 1] = terminal.bytes(info.bytes) end
  if info.compressed then words[#words + 1] = 'compressed' end
  if info.documents then words[#words + 1] = terminal.count(info.documents, 'document') end
  return table.concat(words, ', ')
end

local function field(name, text)
  terminal.line('  ', name, (' '):rep(10 - #name), wrapped(text, 12))
end

--- Warns of a table in which a second run could not find its rows.
---@param plan lugger.job_plan
function plan_view.warn_of_keys(plan)
  local main = plan.tables[1] --[[@as lugger.table_plan]]
  if #main.key > 0 or plan.report.server == '' then return end
  local named = main.columns[1] and main.columns[1].name or 'id'
  terminal.warn(('table %s has no key: no row is found to be there already. The same source is loaded again only with '
    .. "--again; another source adds its rows; key = '%s' in the target names a key"):format(main.name, named))
end

--- Prints a plan on standard output; warnings and problems go to standard error.
---@param plan lugger.job_plan
---@param settings lugger.run_settings|nil
---@param decisions string[]|nil
function plan_view.show(plan, settings, decisions)
  local report = plan.report
  terminal.line(terminal.paint(1, 'bold', plan.job))
  field('source', ('%s (%s)'):format(plan.source, describe_source(plan.source_info)))
  if plan.source_info.oplog then field('oplog', oplog_view.sentence(plan.source_info.oplog, true)) end
  field('target', plan.target .. (report.server ~= '' and ' (' .. report.server .. ')' or ''))
  if report.mode ~= '' then
    field('mode', report.mode .. (report.mode_reason ~= '' and ': ' .. report.mode_reason or ''))
  end
  for _, manifest in ipairs(plan.manifests) do field('vectors', manifest.column .. ': ' .. manifest.words) end
  if plan.on_ddl ~= '' then field('on_ddl', plan.on_ddl) end
  field('work', terminal.count(plan.connections, 'connection') .. ', '
    .. terminal.count(#plan.partitions, 'partition'))
  field('forecast', plan.forecast_seconds > 0 and terminal.about(plan.forecast_seconds) or 'unknown')
  -- Behind the DDL they would be overlooked.
  for _, problem in ipairs(report.problems) do terminal.obstacle(problem) end
  show_tables(plan)
  show_statements(settings and settings.create and 'creates' or 'creates, with --create', report.create)
  show_statements('after the load', report.after_load)
  show_statements(stage_title(report, plan, settings or {}), report.index or {})
  show_statements('stage constrain, once `lugger preflight` is clean', report.constrain or {})
  show_list('for the application to replace, or to decide', decisions or {})
  for _, list in ipairs { plan.warnings, report.warnings } do
    for _, warning in ipairs(list) do terminal.warn_once(warning) end
  end
  oplog_view.advise(plan.source_info.advice)
  plan_view.warn_of_keys(plan)
  local not_null = load_advice.not_null(plan)
  if not_null then terminal.say('note: ', not_null) end
end

return plan_view
