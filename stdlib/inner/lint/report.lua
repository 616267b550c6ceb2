-- Findings as text, as JSON, for code scanning (SARIF 2.1.0) and as GitHub annotations.
local codes = require 'lugger.inner.lint.codes'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'

local report = {}

local colours = { error = 'red', warning = 'yellow', note = 'cyan' }

--- Findings as text.
---@param findings lugger.lint.finding[]
function report.show(findings)
  for _, finding in ipairs(findings) do
    terminal.line(('%s:%d: %s %s: '):format(finding.path, finding.line, terminal.paint(1, colours[finding.level],
      finding.level), terminal.paint(1, 'bold', finding.code)), terminal.printable(finding.message))
    terminal.line('  why:  ', finding.why)
    terminal.line('  safe: ', finding.safe)
  end
end

--- The number of findings, in words.
---@param findings lugger.lint.finding[]
---@param files integer
---@return string
function report.summary(findings, files)
  local numbers, parts = {}, {}
  for _, finding in ipairs(findings) do numbers[finding.level] = (numbers[finding.level] or 0) + 1 end
  for _, level in ipairs { 'error', 'warning', 'note' } do
    if numbers[level] then parts[#parts + 1] = terminal.count(numbers[level], level) end
  end
  return ('%s: %s'):format(terminal.count(files, 'file'), #parts > 0 and table.concat(parts, ', ') or 'nothing found')
end

--- Findings as one JSON array.
---@param findings lugger.lint.finding[]
function report.json(findings)
  local list = json.list {}
  for i, finding in ipairs(findings) do
    list[i] = { code = finding.code, level = finding.level, path = finding.path, line = finding.line,
      message = finding.message, why = finding.why, safe = finding.safe }
  end
  terminal.line(json.encode(list))
end

local function escape(text, also)
  text = text:gsub('%%', '%%25'):gsub('\r', '%%0D'):gsub('\n', '%%0A')
  return also and text:gsub(':', '%%3A'):gsub(',', '%%2C') or text
end

--- Findings as commands that GitHub turns into annotations.
---@param findings lugger.lint.finding[]
function report.github(findings)
  local words = { error = 'error', warning = 'warning', note = 'notice' }
  for _, finding in ipairs(findings) do
    terminal.line(('::%s file=%s,line=%d,title=%s::%s'):format(words[finding.level], escape(finding.path, true),
      finding.line, escape(finding.code, true), escape(('%s. %s. Safe: %s'):format(finding.message, finding.why,
      finding.safe))))
  end
end

local function rules()
  local list = json.list {}
  for i, code in ipairs(codes.list) do
    list[i] = { id = code[1], shortDescription = { text = code[3] }, fullDescription = { text = code.why },
      help = { text = code.safe }, defaultConfiguration = { level = code[2] } }
  end
  return list
end

--- Findings as a SARIF document.
---@param findings lugger.lint.finding[]
---@return string
function report.sarif(findings)
  local results = json.list {}
  for i, finding in ipairs(findings) do
    results[i] = { ruleId = finding.code, level = finding.level,
      message = { text = ('%s. %s. Safe: %s'):format(finding.message, finding.why, finding.safe) },
      locations = json.list { { physicalLocation = { artifactLocation = { uri = finding.path },
        region = { startLine = finding.line } } } } }
  end
  return json.encode { version = '2.1.0', ['$schema'] = 'https://json.schemastore.org/sarif-2.1.0.json',
    runs = json.list { { tool = { driver = { name = 'lugger', version = native.version, rules = rules() } },
      results = results } } }
end

--- Writes all the formats that a command's flags request; returns the exit status.
---@param findings lugger.lint.finding[]
---@param files integer
---@param args { json: boolean|nil, github: boolean|nil, sarif: string|nil }
---@return integer status
function report.all(findings, files, args)
  if args.sarif then require('lugger.inner.migrate.files').write(args.sarif, report.sarif(findings) .. '\n') end
  if args.json then
    report.json(findings)
  elseif args.github then
    report.github(findings)
  else
    report.show(findings)
  end
  terminal.say(report.summary(findings, files))
  return require('lugger.inner.lint.lint').fails(findings) and 4 or 0
end

return report
