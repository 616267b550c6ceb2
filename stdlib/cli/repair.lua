-- lugger repair SCRIPT: writes again exactly the rows that verify finds wrong.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local failures = require 'lugger.inner.job.failures'
local terminal = require 'lugger.inner.view.terminal'
local verdict_view = require 'lugger.inner.verify.verdict_view'
local verification = require 'lugger.inner.verify.verification'

-- Reports rows that --delete-extra would not delete either.
local function tell_kept(repair)
  if tonumber(repair.beyond_keys) > 0 then
    terminal.say(('%s left: no key tells such a row from the right one, so delete it by hand'):format(
      terminal.count(repair.beyond_keys, 'extra row')))
  end
  if tonumber(repair.of_refused) > 0 then
    terminal.say(('%s left: the source has their documents, and they were refused; see lugger rejects'):format(
      terminal.count(repair.of_refused, 'extra row')))
  end
end

local function tell_plan(before, repair, delete_extra)
  if tonumber(repair.documents) > 0 then
    terminal.say(('would write %s again from the source'):format(terminal.count(repair.documents, 'document')))
  end
  if tonumber(repair.extra_left) > 0 then
    terminal.say(('%s would stay; --delete-extra deletes them'):format(
      terminal.count(repair.extra_left, 'extra row')))
  elseif delete_extra and repair.refused ~= '' then
    terminal.say('would refuse to delete: ', repair.refused)
  end
  for _, note in ipairs(repair.notes) do terminal.say(note) end
  tell_kept(repair)
  if #before.altered > 0 then
    terminal.say('columns that were altered or dropped are not repaired: that is for you to do')
  end
end

local function tell_done(after, repair, live)
  terminal.say(live and ('%s looked up again by the run that follows (run %s)'):format(
      terminal.count(repair.documents, 'document'), repair.run)
    or ('%s written again, %s deleted (run %s)'):format(terminal.count(repair.documents, 'document'),
      terminal.count(repair.deleted, 'row'), repair.run))
  for _, note in ipairs(repair.notes) do terminal.say('  ', note) end
  verdict_view.show { after }
  if tonumber(repair.extra_left) > 0 then
    terminal.say(('%s left; --delete-extra deletes them'):format(terminal.count(repair.extra_left, 'extra row')))
  end
  tell_kept(repair)
end

local function repair_one(job, args)
  local after, before, repair = verification.repair(job, {
    jobs = args.jobs, where = args.where, since = args.since, limit_shown = args.limit_shown,
    overwrite_newer = args.overwrite_newer or false, live = args.live,
  }, {
    apply = args.apply or false, delete_extra = args.delete_extra or false, delete_many = args.delete_many or false,
  }, args.quiet)
  if not args.quiet then
    verdict_view.show { before }
    if repair.applied then
      tell_done(after, repair, args.live)
    elseif not before.equal then
      tell_plan(before, repair, args.delete_extra)
      local writes = tonumber(repair.documents) > 0 or args.delete_extra
      terminal.say('nothing was written', not args.apply and writes and '; --apply writes it' or '')
    end
  end
  return after.equal
end

local function jobs_of(args)
  local jobs = {}
  for _, job in ipairs(cli.jobs(cli.load(args))) do
    local wanted = not args.job or args.job == job:name()
    if wanted and not job.repair then
      config.raise(job:name() .. ' is a task: it cannot be repaired', 'name the jobs to repair with --job')
    end
    if wanted then jobs[#jobs + 1] = job end
  end
  if #jobs == 0 then config.raise(('%s has no job "%s"'):format(args.script, args.job)) end
  return jobs
end

-- What keeps one of several jobs from being repaired does not keep the others.
local function run(args)
  if args.delete_many and not args.delete_extra then
    config.raise('--delete-many says nothing without --delete-extra', 'give both')
  end
  local jobs = jobs_of(args)
  local status, done, failed = cli.exit.done, 0, {}
  for _, job in ipairs(jobs) do
    local ok, err = pcall(function()
      if not repair_one(job, args) then status = cli.exit.differences end
      done = done + 1
    end)
    if not ok then
      if #jobs == 1 or verification.concerns_all(err, done) then error(err, 0) end
      failed[#failed + 1] = { job = job:name(), status = 'failed', error = terminal.error_text(err) }
    end
  end
  failures.tell(failed)
  if #failed > 0 then status = cli.exit.failed end
  return status
end

return {
  summary = 'Verify, and write the rows that are missing or different again from the source. Shows only, without '
    .. '--apply.',
  arguments = { { 'script', 'the script whose jobs were run' } },
  flags = cli.with_script_flags(cli.yielding {
    { 'apply', 'write, and verify again' },
    { 'live', 'while the application writes: `lugger move`, which goes on, does the writing' },
    { 'delete-extra', 'with --apply: delete rows that no document of the source makes' },
    { 'delete-many', 'with --delete-extra: also when that is more than a tenth of a table' },
    { 'overwrite-newer', "with on_conflict = 'newer': write documents over rows that are newer, too" },
    { 'where', 'only rows of the target that satisfy this SQL condition', value = 'SQL' },
    { 'since', 'only documents made at or after this time, by _id or by a field: updatedAt=TIME', value = 'TIME' },
    { 'limit-shown', 'wrong rows to show, of each table and kind (default 10)', value = 'N', type = 'int' },
    { 'job', 'only this job of the script', value = 'NAME' },
    { 'jobs', 'connections that read at once', short = 'j', value = 'N', type = 'int', least = 1 },
    { 'quiet', 'print nothing: the exit status tells', short = 'q' },
  }),
  takes_script = true,
  more = 'Exit status: 0 equal now, 4 not equal, 1 failed.',
  examples = { 'lugger repair users.lua', 'lugger repair users.lua --apply', 'lugger repair shop.lua --live --apply',
    'lugger repair users.lua --apply --delete-extra' },
  run = run,
}
