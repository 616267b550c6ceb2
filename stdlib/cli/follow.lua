-- lugger follow SCRIPT: applies the changes of live sources, from a time on or behind a copy.
local cli = require 'lugger.inner.cli.cli'
local following = require 'lugger.inner.cli.following'

local function run(args)
  if args.detach then following.detach(args) end
  return following.run(cli.jobs(cli.load(args)), args, {
    copy = {}, follow_only = true,
    follow = { follow = true, jobs = 1, accept_changes = args.accept_changes, restart = args.restart,
      redact = args.redact, follow_from = args.from_time and 'time:' .. args.from_time or nil },
  })
end

return {
  summary = 'Apply the changes of live sources until it is stopped: from where the last run stopped, or from a time '
    .. 'on.',
  arguments = { { 'script', 'a script (.lua), a bundled script by name, or - for standard input' } },
  flags = cli.with_script_flags {
    { 'from-time', 'begin with what was changed at this time of the source or later, as in 2026-11-30T02:00:00Z; '
      .. 'nothing is copied', value = 'TIME' },
    { 'restart', 'begin at --from-time although changes were followed before' },
    { 'accept-changes', 'go on although the script changed since' },
    { 'redact', 'keep rejects without their documents; such rejects cannot be retried' },
    { 'detach', 'go on when the terminal closes; output goes to ./.lugger/' },
    { 'log', 'form of the progress', value = 'FORM', choices = { 'json', 'plain', 'none' } },
    { 'quiet', 'tell only errors', short = 'q' },
  },
  takes_script = true,
  more = 'Exit status: 1 failed, 2 usage, 130 stopped and resumable.',
  examples = { 'lugger follow shop.lua --from-time 2026-11-30T02:00:00Z', 'lugger follow shop.lua' },
  run = run,
}
