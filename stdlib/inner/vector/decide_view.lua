-- The decision for a reader.
local costs = require 'lugger.inner.vector.costs'
local making = require 'lugger.inner.vector.making'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local decide_view = {}

local words = { copy = 'copy the vectors', shorten = 'copy the vectors, shortened', embed = 'embed the texts anew',
  unknown = 'nothing tells that they may be copied' }

local function facts_table(found)
  local rows = {}
  for _, fact in ipairs(found.facts) do
    if fact.from ~= nil or fact.to ~= nil then
      local says = fact.says or fact.verdict == 'unsaid' and 'said of one side only' or fact.verdict
      rows[#rows + 1] = { fact.name, making.word(fact.name, fact.from), making.word(fact.name, fact.to), says }
    end
  end
  return table_view.render({ 'fact', 'from', 'to', '' }, rows)
end

--- Minutes: "50 min", "8.3 h", "12.5 days".
---@param minutes number
---@return string
function decide_view.time(minutes)
  if minutes < 1 then return 'less than a minute' end
  if minutes < 99.5 then return ('%.0f min'):format(minutes) end
  if minutes < 48 * 60 then return ('%.1f h'):format(minutes / 60) end
  return ('%.1f days'):format(minutes / 1440)
end

-- A figure that was given, or what stands for it.
local function origin(given)
  return given and '' or ' (assumed)'
end

local function tokens_line(found, settings)
  local texts = found.texts
  if not texts then
    return ('%s tokens each%s'):format(terminal.group(found.embedding.tokens_per_document), origin(settings.tokens))
  end
  return ('%.0f tokens each, the longest %.0f, of %s measured at %s bytes a token; %s without text'):format(
    texts.tokens_per_document, texts.longest, terminal.count(texts.measured, 'document'),
    tostring(settings.bytes_per_token or 4), terminal.group(texts.without_text))
end

local function time_line(of, settings)
  if not of.minutes then return 'as fast as the endpoint answers' end
  local rated = settings.per_minute or settings.requests_per_minute or settings.tokens_per_minute
  local line = ('%s at %s%s%s'):format(decide_view.time(of.minutes), of.limit, origin(rated),
    of.keys > 1 and (', with %d keys'):format(of.keys) or '')
  if of.keys == 1 and of.minutes > 60 then
    line = line .. ('; with 4 keys %s'):format(decide_view.time(of.minutes / 4))
  end
  return line
end

local function estimate(found, settings)
  local of = found.embedding
  terminal.line('\nto embed anew (an estimate)')
  local rows = {
    { 'documents', terminal.group(of.documents) },
    { 'tokens', tokens_line(found, settings) },
    { 'cost', ('%.2f USD at %s USD a million tokens%s'):format(of.cost_usd, tostring(of.price),
      origin(settings.price or settings.own_endpoint)) },
    { 'time', time_line(of, settings) },
  }
  for _, row in ipairs(rows) do terminal.line(('  %-11s%s'):format(row[1], row[2])) end
end

local function units(found, settings)
  local of = found.units
  terminal.line('\nunits of Pinecone, to copy everything once (an estimate)')
  if of.read then
    terminal.line(('  read       %s at %s USD a million%s'):format(terminal.group(of.read),
      tostring(settings.read_unit_price or costs.usual.read_unit_price), origin(settings.read_unit_price)))
  end
  if of.write then
    terminal.line(('  write      %s at %s USD a million%s'):format(terminal.group(of.write),
      tostring(settings.write_unit_price or costs.usual.write_unit_price), origin(settings.write_unit_price)))
  end
  terminal.line(('  cost       %.2f USD'):format(of.cost_usd))
end

--- Prints a decision.
---@param found lugger.vector.decision
---@param settings table
function decide_view.show(found, settings)
  terminal.line('from  ', terminal.printable(found.from.shown))
  terminal.line('to    ', terminal.printable(found.to.shown), '\n')
  terminal.line(facts_table(found))
  terminal.line('\ndecision: ', words[found.decision])
  for _, one in ipairs(found.reasons) do terminal.line(terminal.wrap(one, '  ')) end
  for _, one in ipairs(found.steps) do terminal.line(terminal.wrap('- ' .. one, '  ')) end
  if found.embedding then estimate(found, settings) end
  if found.units then units(found, settings) end
  if not found.embedding then
    terminal.say('\nwhat it would cost: --documents N, or a place as --from')
  end
  if found.decision == 'unknown' then
    terminal.say('--from-model and --to-model say which model made vectors that have no manifest')
  end
end

return decide_view
