-- lugger test FILE...: tests of mappings on sample documents, without a database.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local files = require 'lugger.inner.base.files'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local test = require 'lugger.test'

local function files_of(words)
  local list = {}
  for _, word in ipairs(words) do
    local found = native.system.stat(word)
    if not found then config.raise(('there is no test %s'):format(word), 'give files, or a directory of *_test.lua') end
    if found.is_dir then
      local before = #list
      for _, name in ipairs(files.names(word)) do
        if name:match '_test%.lua$' then list[#list + 1] = (word:gsub('/$', '')) .. '/' .. name end
      end
      if #list == before then config.raise(('%s holds no *_test.lua'):format(word)) end
    else
      list[#list + 1] = word
    end
  end
  return list
end

local function run_case(file, case)
  local trace
  local ok, err = xpcall(function() case.body(test) end, function(e)
    local told = type(e) == 'table' and e.test_failure
    -- Finds the line of the test that failed, not the lines of lugger below it.
    for level = 2, 30 do
      local info = debug.getinfo(level, 'Sl')
      if not info then break end
      if info.source == '@' .. file then trace = info.currentline break end
    end
    return told and e.message or terminal.error_text(e)
  end)
  if ok then return nil end
  return ('%s%s: %s\n%s'):format(file, trace and ':' .. trace or '', case.name, (tostring(err):gsub('^',
    '  '):gsub('\n', '\n  ')))
end

local function run(args)
  local passed, failed = 0, 0
  for _, file in ipairs(files_of(args.files)) do
    local path = file:find('/', 1, true) and file or './' .. file
    local cases = test.load(path, args.update or false)
    for _, case in ipairs(cases) do
      if not args.only or case.name:find(args.only, 1, true) then
        local problem = run_case(path, case)
        if problem then
          failed = failed + 1
          terminal.line(terminal.paint(1, 'red', 'FAILED '), problem)
        else
          passed = passed + 1
          if not args.quiet then terminal.line(terminal.paint(1, 'green', 'ok     '), case.name) end
        end
      end
    end
    if #cases == 0 then config.raise(file .. ' has no case', "t.case('name', function() ... end)") end
  end
  if passed + failed == 0 then config.raise('no case was run', args.only and 'none has "' .. args.only
    .. '" in its name' or nil) end
  terminal.line(('%d passed, %d failed'):format(passed, failed))
  return failed > 0 and cli.exit.failed or cli.exit.done
end

return {
  summary = 'Run tests of mappings on sample documents; no database is needed.',
  arguments = { { 'files', 'test scripts, or directories of *_test.lua', many = true } },
  flags = {
    { 'only', 'cases with this in their name', value = 'WORDS' },
    { 'update', 'write the golden files anew' },
    { 'sandbox', 'tests and scripts get no files, programs or network but the places that the project names' },
    { 'quiet', 'tell only failures', short = 'q' },
  },
  examples = { 'lugger test tests/', 'lugger test tests/users_test.lua --only email' },
  run = run,
}
