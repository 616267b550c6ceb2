-- lugger verdict: makes the key for signing verdicts, and checks a verdict against its signature.
local cli = require 'lugger.inner.cli.cli'
local flags = require 'lugger.inner.cli.flags'
local json = require 'lugger.json'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local verdict = require 'lugger.inner.verify.verdict'

local function make_key()
  local secret, public, line = verdict.make_key()
  terminal.say('secret key: ', secret, ' (keep it to yourself; it is not encrypted)')
  terminal.say('public key: ', public, ' (give it to those who check)')
  terminal.line(line)
  return cli.exit.done
end

-- The verdict in one line; only after its signature has been checked.
local function tell(path)
  local ok, content = pcall(json.decode, native.system.read_file(path))
  if not ok then return end
  terminal.line(content.equal and 'equal' or 'NOT equal', ', written ', content.written, ' by lugger ', content.lugger)
end

local function check(path, key)
  if not path then flags.usage_error('which verdict?', 'lugger verdict check FILE') end
  local problem = verdict.check(path, key)
  if problem then
    terminal.line(path, ': NOT as signed: ', problem)
    return cli.exit.differences
  end
  terminal.line(path, ': as signed')
  tell(path)
  return cli.exit.done
end

local function run(args)
  if args.what == 'key' then return make_key() end
  if args.what == 'check' then return check(args.file, args.key) end
  flags.usage_error(('verdict has no "%s"'):format(args.what), 'there are: key, check FILE')
end

return {
  summary = 'Make the key that verdicts are signed with, or check a signed verdict.',
  arguments = { { 'what', 'key, or check' }, { 'file', 'the verdict to check', optional = true } },
  flags = {
    { 'key', 'the public key, or its file (default: that of this user)', value = 'PUBLIC' },
  },
  more = 'Signatures have the form of minisign: minisign -Vm FILE -P PUBLIC checks them too.\n'
    .. 'Exit status of check: 0 as signed, 4 not.',
  examples = { 'lugger verdict key', 'lugger verdict check verdict.json',
    'lugger verdict check verdict.json --key RWQ...' },
  run = run,
}
