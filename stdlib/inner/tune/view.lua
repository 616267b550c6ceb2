-- What a sweep found, for a reader and as plain fields.
local json = require 'lugger.inner.base.json_text'
local sweep = require 'lugger.inner.tune.sweep'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local view = {}

local build_names, search_names = { 'm', 'ef_construction', 'lists' },
  { 'ef_search', 'probes', 'iterative_scan', 'max_scan_tuples' }

---@class lugger.tune.report
---@field facts lugger.tune.facts
---@field k integer
---@field rows number of the copy
---@field queries integer
---@field from string where the queries are from, in words
---@field filter string|nil
---@field least number
---@field round_trip number
---@field exact { queries: integer, p50: number, p95: number } without an index
---@field sampled boolean there are more rows
---@field results lugger.tune.result[]
---@field best lugger.tune.result
---@field enough boolean

--- "hnsw, m = 16, ef_construction = 64".
---@param build lugger.tune.build
---@return string
function view.build(build)
  return build.method .. ', ' .. sweep.words(build.with, build_names)
end

--- "ef_search = 40, iterative_scan = relaxed_order". A scan that is off is not mentioned.
---@param search table<string, string|integer>
---@return string
function view.search(search)
  local shown = {}
  for name, value in pairs(search) do
    if value ~= 'off' then shown[name] = value end
  end
  return sweep.words(shown, search_names)
end

--- What was measured, and of what: one line.
---@param report lugger.tune.report
---@return string
function view.head(report)
  local facts = report.facts
  return ('recall@%d of %s.%s, %s, %s%s, on %s'):format(report.k, facts.table, facts.column, facts.metric, report.from,
    report.filter and ' where ' .. report.filter or '', not report.sampled and terminal.count(report.rows, 'row')
    or ('a sample of %s of about %s rows'):format(terminal.group(report.rows), terminal.group(facts.rows)))
end

--- Why this point: the rule, in words.
---@param report lugger.tune.report
---@return string
function view.rule(report)
  if report.enough then
    return ('the least p95 of all settings with a recall of at least %g'):format(report.least)
  end
  return ('no setting reaches a recall of %g: this one finds most'):format(report.least)
end

--- What a search without an index takes, in words.
---@param report lugger.tune.report
---@return string
function view.exact(report)
  return ('without an index: recall 1.000, p50 %.2f ms, p95 %.2f ms (%s)'):format(report.exact.p50, report.exact.p95,
    report.exact.queries == 1 and '1 query' or report.exact.queries .. ' queries')
end

--- How times were taken, in words.
---@param report lugger.tune.report
---@return string
function view.times(report)
  return ('times: round trips of one client, one query after the other, each asked before, the median of three; '
    .. '%.2f ms of each is the way to the server'):format(report.round_trip)
end

local function share(value)
  return ('%.3f'):format(value)
end

--- The table.
---@param report lugger.tune.report
function view.show(report)
  local rows, last = {}, nil ---@type table[], any
  for i, one in ipairs(report.results) do
    local found = one.found
    local first = one.build ~= last
    last = one.build
    rows[i] = { one == report.best and '>' or '', first and view.build(one.build) or '',
      first and terminal.duration(one.seconds) or '', first and terminal.bytes(one.bytes) or '',
      view.search(one.search), share(found.recall), share(found.worst), ('%.1f'):format(found.returned),
      terminal.group(found.short), ('%.2f'):format(found.p50), ('%.2f'):format(found.p95) }
  end
  terminal.line(view.head(report))
  terminal.line(table_view.render({ '', 'index', 'build', 'size', 'search', 'recall', 'worst', 'rows', 'short',
    'p50 ms', 'p95 ms' }, rows, { right = { [6] = true, [7] = true, [8] = true, [9] = true, [10] = true,
    [11] = true } }))
  terminal.line(view.exact(report))
  terminal.line('> ', view.build(report.best.build), '; ', view.search(report.best.search), ': ', view.rule(report))
  terminal.line(view.times(report))
end

local function fields_of(one)
  local out = { index = one.build.method, with = one.build.with, search = one.search, build_seconds = one.seconds,
    bytes = one.bytes }
  for name, value in pairs(one.found) do out[name] = value end
  out.p50_ms, out.p95_ms, out.p50, out.p95 = out.p50, out.p95, nil, nil
  return out
end

--- The same as plain fields.
---@param report lugger.tune.report
---@return table
function view.fields(report)
  local out = { table = report.facts.schema .. '.' .. report.facts.table, column = report.facts.column,
    metric = report.facts.metric, k = report.k, rows = report.rows, table_rows = report.facts.rows,
    queries = report.queries, queries_from = report.from, filter = report.filter, min_recall = report.least,
    reached = report.enough, sampled = report.sampled, exact_p50_ms = report.exact.p50,
    exact_p95_ms = report.exact.p95, round_trip_ms = report.round_trip, rule = view.rule(report),
    points = json.list {}, best = fields_of(report.best) }
  for i, one in ipairs(report.results) do out.points[i] = fields_of(one) end
  return out
end

return view
