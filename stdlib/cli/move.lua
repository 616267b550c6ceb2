-- lugger move SCRIPT: copies live sources and follows their changes.
local cli = require 'lugger.inner.cli.cli'
local following = require 'lugger.inner.cli.following'
local source_speed = require 'lugger.inner.cli.source_speed'

local function run(args)
  local jobs, create = following.load(args)
  return following.run(jobs, args, {
    copy = { jobs = args.jobs, patient = true, create = args.create or create, restart = args.restart,
      accept_changes = args.accept_changes, redact = args.redact, window = args.window,
      source_mbps = source_speed.of(args, #jobs) },
    follow = { follow = true, jobs = 1, patient = true, accept_changes = args.accept_changes, restart = args.restart,
      redact = args.redact },
    restart = args.restart,
  })
end

return {
  summary = 'Copy live sources while they are written to, then apply their changes until it is stopped. The same '
    .. 'command goes on after anything.',
  arguments = { { 'script', 'a script (.lua), a bundled script by name, or - for standard input' } },
  flags = cli.with_script_flags {
    { 'jobs', 'connections that load at once, for each job at most; the largest jobs have most, and all '
      .. 'together four times as many, or one each (default: one a core, at most 4)', short = 'j', value = 'N',
      type = 'int', least = 1 },
    { 'window', 'copy only in these hours of the day, as in 22:00-05:00; changes are applied at any time',
      value = 'HOURS' },
    { 'max-source-mbps', 'copy no faster from the source, in megabytes a second, which the jobs share evenly',
      value = 'MB', type = 'number' },
    { 'restart', 'forget what was copied and followed, and begin anew; empty the tables first, or the rows of '
      .. 'documents that were deleted since stay' },
    unpack(following.flags),
  },
  takes_script = true,
  more = 'Ctrl-C stops it: once after the batch, twice at once; both can be resumed.\n'
    .. 'Exit status: 1 failed, 2 usage, 130 stopped and resumable.',
  examples = { 'lugger move shop.lua --create', 'lugger move shop.lua --detach' },
  run = run,
}
