-- How searches compare, for a reader and as plain fields.
local json = require 'lugger.inner.base.json_text'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): number]]

local recall_view = {}

local function share(value)
  return ('%.3f'):format(tonumber(value))
end

local function side_row(name, side, queries)
  local answers = math.max(tonumber(queries), 1)
  return { name, share(side.recall), share(side.worst), ('%.1f'):format(tonumber(side.returned) / answers),
    terminal.group(side.short_answers), terminal.group(side.vectors),
    side.how ~= '' and side.how or 'no search of its own: exact' }
end

local function tell_left_out(name, side)
  if tonumber(side.without) > 0 then
    terminal.say(('  %s: %s without a vector'):format(name, terminal.count(side.without, 'row')))
  end
  if tonumber(side.other_size) > 0 then
    terminal.say(('  %s: %s of other dimensions than the queries'):format(name,
      terminal.count(side.other_size, 'vector')))
  end
end

-- Where one side has vectors that the other has not, their neighbours differ.
local function tell_counts(recall, refused)
  local more = tonumber(recall.source.vectors) - tonumber(recall.target.vectors)
  if more == 0 or tonumber(recall.exact_overlap) >= 1 then return end
  local rejects = more > 0 and refused > 0
    and ('; the load rejected %s'):format(terminal.count(refused, 'document')) or ''
  terminal.say(('  exact neighbours differ: the %s has %s that the %s has not%s'):format(
    more > 0 and 'source' or 'target', terminal.count(math.abs(more), 'vector'),
    more > 0 and 'target' or 'source', rejects))
end

local function show_worst(list)
  for _, query in ipairs(list) do
    terminal.line(('  %s%s: source %s, target %s, overlap %s'):format(terminal.printable(query.query),
      query.filter ~= '' and ' where ' .. terminal.printable(query.filter) or '', share(query.source),
      share(query.target), share(query.overlap)))
  end
end

--- Shows what a verification found about searches.
---@param recall lugger.recall
---@param refused integer documents that the load rejected
function recall_view.show(recall, refused)
  terminal.line(('recall@%s of %s, %s, %s'):format(terminal.group(recall.k), recall.column, recall.metric,
    recall.queries_from))
  terminal.line(table_view.render({ 'side', 'recall', 'worst', 'returned', 'short', 'vectors', 'searched by' },
    { side_row('source', recall.source, recall.queries_tested),
      side_row('target', recall.target, recall.queries_tested) },
    { right = { [2] = true, [3] = true, [4] = true, [5] = true, [6] = true } }))
  terminal.line(('avg_result_overlap %s  queries_tested %s  perfect_matches %s'):format(
    share(recall.avg_result_overlap), terminal.group(recall.queries_tested), terminal.group(recall.perfect_matches)))
  terminal.line(('exact neighbours: overlap %s, largest score delta %.3g; rank agreement %s'):format(
    share(recall.exact_overlap), tonumber(recall.largest_score_delta),
    recall.rank_agreement and share(recall.rank_agreement) or '-'))
  tell_counts(recall, refused)
  show_worst(recall.worst)
  if tonumber(recall.nothing_to_find) > 0 then
    terminal.say(('  %s queries: nothing to find, so not tested'):format(terminal.group(recall.nothing_to_find)))
  end
  tell_left_out('source', recall.source)
  tell_left_out('target', recall.target)
end

local function plain(record)
  local out = {}
  for name, value in pairs(record) do
    out[name] = type(value) == 'cdata' and tonumber(value) or value
  end
  return out
end

--- The same as plain fields, for --json and the verdict file.
---@param recall lugger.recall
---@return table
function recall_view.fields(recall)
  local out = plain(recall)
  out.source, out.target, out.worst = plain(recall.source), plain(recall.target), json.list {}
  for i, query in ipairs(recall.worst) do out.worst[i] = plain(query) end
  return out
end

return recall_view
