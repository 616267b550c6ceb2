-- lugger follow SCRIPT: applies the changes of live sources, from a time on or behind a copy.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local following = require 'lugger.inner.cli.following'
local native = require 'lugger.native'

-- The end of a dump's oplog, up to which its documents are when it has been replayed: a position.
local function end_of(dump)
  local oplog = native.look_at_place(dump, {}).oplog
  local second, increment = (oplog and oplog.last or ''):match('^(%S+) %(Timestamp%(%d+, (%d+)%)%)$')
  if not second then
    config.raise(dump .. ' has no oplog: nothing in it says up to when its documents are',
      'give --from-time with a time before the dump was begun; what was deleted between that time and the end of the '
      .. 'dump is then deleted too, but compare all the same: lugger verify')
  end
  return ('time:%s,%s'):format(second, increment)
end

local function beginning(args)
  if args.after and args.from_time then
    config.raise('--after and --from-time exclude each other', 'a dump with an oplog says by itself where it ends')
  end
  if args.after then return end_of(args.after) end
  return args.from_time and 'time:' .. args.from_time or nil
end

local function run(args)
  return following.run((following.load(args)), args, {
    copy = {}, follow_only = true,
    follow = { follow = true, jobs = 1, patient = true, accept_changes = args.accept_changes, restart = args.restart,
      redact = args.redact, follow_from = beginning(args) },
  })
end

return {
  summary = 'Apply the changes of live sources until it is stopped: from where the last run stopped, or from a time '
    .. 'on.',
  arguments = { { 'script', 'a script (.lua), a bundled script by name, or - for standard input' } },
  flags = cli.with_script_flags {
    { 'from-time', 'begin with what was changed at this time of the source or later, as in 2026-11-30T02:00:00Z; '
      .. 'nothing is copied', value = 'TIME' },
    { 'after', 'begin behind this dump, whose oplog was replayed when it was loaded', value = 'DUMP' },
    { 'restart', 'begin there although changes were followed before' },
    unpack(following.flags),
  },
  takes_script = true,
  more = 'Exit status: 1 failed, 2 usage, 130 stopped and resumable.',
  examples = { 'lugger follow shop.lua --after dump/', 'lugger follow shop.lua --from-time 2026-11-30T02:00:00Z',
    'lugger follow shop.lua' },
  run = run,
}
