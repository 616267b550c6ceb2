-- Adds constraints only after a clean verdict: checks a file written by `lugger verify --verdict FILE` first.
local config = require 'lugger.inner.cli.config'
local json = require 'lugger.json'
local native = require 'lugger.native'
local system = native.system

local verdict_gate = {}

local function read(path)
  if not system.stat(path) then config.raise(('there is no verdict %s'):format(path), 'lugger verify SCRIPT --verdict '
    .. path .. ' writes it') end
  local ok, content = pcall(json.decode, system.read_file(path))
  local format = ok and type(content) == 'cdata' and tostring(content.format) or ''
  if not format:match('^lugger%-verdict/') or not content.jobs then
    config.raise(path .. ' is not a verdict of lugger')
  end
  return content
end

-- If there is a signature file, it must match.
local function check_signature(path)
  if not system.stat(path .. '.minisig') then return nil end
  return require('lugger.inner.verify.verdict').check(path)
end

local function latest_run(job)
  local place, options = job:target()
  local run = native.state(place, options):latest(job:name())
  return run and run.run
end

local narrowed = { { 'window', '--since' }, { 'where', '--where' }, { 'sample', '--sample' },
  { 'columns', '--columns' } }

-- A part that the verification did not cover may be wrong.
local function narrowed_by(verdict)
  for _, one in ipairs(narrowed) do
    local words = verdict[one[1]]
    if words ~= nil and tostring(words) ~= '' then return one[2] end
  end
  if verdict.looked_for_missing == false or verdict.looked_for_extra == false then return 'its flags' end
end

local function problem_of(job, content)
  for _, one in content.jobs:fields() do
    if tostring(one.job) == job:name() then
      if one.equal ~= true then return 'the verdict says that source and target are not equal' end
      local flag = narrowed_by(one)
      if flag then return ('the verdict is of a part of the rows (%s): verify all of them'):format(flag) end
      local run = latest_run(job)
      if run and one.run ~= nil and tostring(one.run) ~= '' and tostring(one.run) ~= run then
        return 'the verdict is of an earlier run: verify again'
      end
      return nil
    end
  end
  return 'the verdict says nothing of this job'
end

--- Why the verdict does not allow the jobs' constraints, one sentence each; empty: it does.
---@param path string
---@param jobs lugger.job[]
---@return string[]
function verdict_gate.problems(path, jobs)
  local content, problems = read(path), {}
  local signature = check_signature(path)
  if signature then return { ('%s is not what was signed: %s'):format(path, signature) } end
  for _, job in ipairs(jobs) do
    local problem = problem_of(job, content)
    if problem then problems[#problems + 1] = job:name() .. ': ' .. problem end
  end
  return problems
end

return verdict_gate
