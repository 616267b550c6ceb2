-- What the models of a job will be asked, told before the first call.
local embed = require 'lugger.inner.job.embed'
local estimate = require 'lugger.inner.script.estimate'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'

local forecast = {}

local sample = 2000 -- documents that are read for an estimate

local function host_of(url)
  return (native.system.mask_secrets(url):gsub('^%a+://', ''):gsub('/.*', ''):gsub('.*@', ''))
end

-- What embedding the texts of one path would come to, and how much of it was measured.
local function line_of(job, column, model)
  local spec = model.spec
  local found = estimate.of(job.spec.from, { text = column.from or column[1], sample = sample,
    bytes_per_token = spec.bytes_per_token, per_million = spec.per_million })
  local texts = found.documents * (found.measured > 0 and 1 - found.without_text / found.measured or 0)
  local about = found.measured < found.documents and 'about ' or ''
  local parts = { ('%s%s'):format(about, terminal.count(math.floor(texts + 0.5), 'text')),
    terminal.bytes(math.floor(found.tokens * (spec.bytes_per_token or 4) + 0.5)),
    ('about %s tokens'):format(terminal.group(math.floor(found.tokens + 0.5))) }
  if found.cost then parts[#parts + 1] = ('about %.4f USD'):format(found.cost) end
  return ('%s: %s at %s: %s'):format(column[1] or column.name, spec.model or 'a model', host_of(spec.url),
    table.concat(parts, ', '))
end

--- Tells it on standard error: host, texts, bytes, tokens, price of each column of the job that has a model.
---@param job lugger.job
function forecast.tell(job)
  local columns = job.spec and job.spec.columns
  if type(columns) ~= 'table' then return end
  for _, column in ipairs(columns) do
    local model = type(column) == 'table' and embed.of(column)
    if model and native.place_kind(job.spec.from:resolved()).read_once then
      terminal.say(('%s: %s at %s'):format(column[1], model.spec.model or 'a model', host_of(model.spec.url)))
    elseif model then
      terminal.say(line_of(job, column, model))
    end
  end
end

return forecast
