-- Whether vectors may be copied from one side to the other, fact by fact.
local known_models = require 'lugger.inner.vector.known_models'
local making = require 'lugger.inner.vector.making'
local terminal = require 'lugger.inner.view.terminal'

local same_space = {}

---@class lugger.vector.fact
---@field name string
---@field from any nil: nobody has said it
---@field to any
---@field verdict "same"|"unsaid"|"differs"|"settled" differs: a reason to embed anew; settled: can be settled in a copy
---@field says string|nil

---@class lugger.vector.judgement
---@field decision "copy"|"shorten"|"embed"|"unknown"
---@field reasons string[]
---@field facts lugger.vector.fact[]
---@field steps string[] what a copy has to do
---@field shorten boolean it has to cut vectors

-- What makes other vectors of the same text.
local why = {
  model = 'vectors of two models cannot be compared',
  revision = 'another revision of a model is another model',
  prefix = 'other texts were embedded: a prefix is part of the text',
  pooling = 'another pooling makes other vectors of the same text',
  truncation = 'of long texts the model saw more or less',
} ---@type table<string, string|nil>

local function judge_model(fact, sides)
  fact.verdict, fact.says = 'differs', why.model
  if sides.from.dimensions and sides.from.dimensions == sides.to.dimensions then
    fact.says = fact.says .. ', though both have ' .. terminal.group(sides.from.dimensions) .. ' dimensions'
  end
end

local function judge_dimensions(fact, sides, out)
  fact.verdict = 'differs'
  if fact.from < fact.to then
    fact.says = 'a vector cannot be made longer'
  elseif not sides.shortenable then
    fact.says = 'to cut vectors is right only for models that are made for it; nothing says that of this one'
  else
    fact.verdict, fact.says, out.shorten = 'settled', 'the model may be shortened: cut, and normalised again', true
    out.steps[#out.steps + 1] = ('cut each vector to its first %d elements and normalise it: '
      .. 'row.embedding = vector.normalise(vector.truncate(doc.embedding, %d))'):format(fact.to, fact.to)
  end
end

local function judge_metric(fact, sides, out)
  fact.verdict = 'settled'
  if sides.from.normalised and sides.to.normalised ~= false then
    fact.says = 'of length 1, vectors have the same neighbours by cosine, dot and l2'
  else
    fact.says = 'the same vectors; they are searched by another measure, which may order them otherwise'
  end
  out.steps[#out.steps + 1] = ("the target compares by %s: say so in the job's manifest, metric = '%s', or make its "
    .. "index for %s"):format(fact.to, fact.to, fact.from)
end

local function judge_normalised(fact, sides, out)
  local metric = sides.to.metric or sides.from.metric
  fact.verdict = 'settled'
  if fact.to then
    fact.says = 'the direction stays: they can be normalised on the way'
    out.steps[#out.steps + 1] = 'normalise each vector: row.embedding = vector.normalise(doc.embedding)'
  elseif metric == 'cosine' then
    fact.says = 'lengths are lost, which cosine does not look at'
  else
    fact.verdict, fact.says = 'differs', 'the lengths are lost'
  end
end

---@type table<string, nil|fun(fact: lugger.vector.fact, sides: table, out: lugger.vector.judgement)>
local judges = { model = judge_model, dimensions = judge_dimensions, metric = judge_metric,
  normalised = judge_normalised }

---@return lugger.vector.fact
local function judge_fact(name, sides, out)
  local fact = { name = name, from = sides.from[name], to = sides.to[name] }
  if fact.from == nil or fact.to == nil then
    fact.verdict = 'unsaid'
  elseif fact.from == fact.to then
    fact.verdict = 'same'
  elseif judges[name] then
    judges[name](fact, sides, out)
  else
    fact.verdict, fact.says = 'differs', why[name]
  end
  return fact
end

local function reason(fact)
  return ('%s %s and not %s: %s'):format(fact.name, making.word(fact.name, fact.from), making.word(fact.name, fact.to),
    fact.says)
end

-- Without a model nothing tells; what differs otherwise is enough to say no.
local function settle(out, sides)
  if #out.reasons > 0 then return 'embed' end
  for _, name in ipairs { 'from', 'to' } do
    if not sides[name].model then
      out.reasons[#out.reasons + 1] = ('nothing tells which model made %s'):format(sides[name].shown)
    end
  end
  if #out.reasons > 0 then return 'unknown' end
  if out.shorten then
    out.reasons[1] = ('the same model, %s, which may be shortened to %s dimensions'):format(sides.from.model,
      terminal.group(sides.to.dimensions))
    return 'shorten'
  end
  if not (sides.from.dimensions and sides.to.dimensions) then
    out.steps[#out.steps + 1] = 'nothing tells the dimensions of both sides; the target refuses vectors of others'
  end
  out.reasons[1] = ('the same model, %s: direct copy possible'):format(sides.from.model)
  return 'copy'
end

--- Judges two makings.
---@param from lugger.vector.making
---@param to lugger.vector.making
---@param shortenable boolean|nil said of the model; else what is known of it
---@return lugger.vector.judgement
function same_space.judge(from, to, shortenable)
  local known = from.model and known_models[from.model]
  if shortenable == nil then shortenable = known and known.shortenable end
  local sides = { from = from, to = to, shortenable = from.model and from.model == to.model and shortenable }
  ---@type lugger.vector.judgement
  local out = { decision = 'unknown', facts = {}, reasons = {}, steps = {}, shorten = false }
  for i, name in ipairs(making.facts) do
    local fact = judge_fact(name, sides, out)
    out.facts[i] = fact
    if fact.verdict == 'differs' then out.reasons[#out.reasons + 1] = reason(fact) end
  end
  local model, dimensions = assert(out.facts[1]), assert(out.facts[3])
  if model.verdict ~= 'same' and dimensions.verdict == 'same' then
    dimensions.says = 'the same, which says nothing of the space'
  end
  out.decision = settle(out, sides)
  return out
end

return same_space
