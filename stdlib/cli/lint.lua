-- lugger lint FILE...: finds statements that would harm a database in use.
local codes = require 'lugger.inner.lint.codes'
local config = require 'lugger.inner.cli.config'
local files = require 'lugger.inner.base.files'
local flags = require 'lugger.inner.cli.flags'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local function add(list, path)
  local found = system.stat(path)
  if not found then config.raise(('there is no file %s'):format(path)) end
  if found.is_dir then
    for _, name in ipairs(files.names(path)) do
      if name:match('%.sql$') or name:match('^%d+_.+%.lua$') then add(list, path:gsub('/$', '') .. '/' .. name) end
    end
  else
    list[#list + 1] = { path = path, text = system.read_file(path) }
  end
end

local function run(args)
  if args.codes then
    terminal.line(codes.markdown())
    return 0
  end
  if not args.file or #args.file == 0 then flags.usage_error('lint which files?', 'lugger lint migrations/') end
  local list = {}
  for _, path in ipairs(args.file) do add(list, path) end
  return require('lugger.inner.lint.report').all(require('lugger.inner.lint.lint').files(list), #list, args)
end

return {
  summary = 'Look for what would hurt a database in use: SQL files and migrations. Runs nothing, needs no database.',
  arguments = { { 'file', 'SQL files, migrations, or directories of them', many = true, optional = true } },
  flags = {
    { 'json', 'findings as a JSON array' },
    { 'github', 'findings as annotations of GitHub Actions' },
    { 'sarif', 'also write the findings to this file, as SARIF', value = 'FILE' },
    { 'codes', 'print the codes, what they mean and the safe forms' },
  },
  more = 'A finding is allowed by a comment above it: -- lugger: allow CODE because REASON\n'
    .. 'Exit status: 0 nothing, or notes only; 4 something was found.',
  examples = { 'lugger lint migrations/', 'lugger lint --sarif lint.sarif migrations/', 'lugger lint --codes' },
  run = run,
}
