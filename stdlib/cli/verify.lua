-- lugger verify SCRIPT: compares source and target by value.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local failures = require 'lugger.inner.job.failures'
local json = require 'lugger.inner.base.json_text'
local places = require 'lugger.inner.cli.places'
local query_pairs = require 'lugger.inner.verify.query_pairs'
local terminal = require 'lugger.inner.view.terminal'
local verdict = require 'lugger.inner.verify.verdict'
local verdict_view = require 'lugger.inner.verify.verdict_view'
local verification = require 'lugger.inner.verify.verification'
local tonumber = tonumber --[[@as fun(count: any): number]]

-- Any flag of recall asks for it.
local function recall_of(args)
  local recall = { column = args.recall_column, k = args.recall_k, sample = args.recall_sample,
    queries = args.recall_queries, metric = args.recall_metric, least = args.min_recall }
  return (args.recall or next(recall)) and recall or nil
end

local function options_of(args)
  return { jobs = args.jobs, sample = args.sample, seed = args.seed, where = args.where, since = args.since,
    columns = args.columns, limit_shown = args.limit_shown, rechecks = args.rechecks, live = args.live,
    recall = recall_of(args) }
end

local function jobs_of(args)
  local jobs = {}
  for _, job in ipairs(cli.jobs(cli.load(args))) do
    if not args.job or args.job == job:name() then jobs[#jobs + 1] = job end
  end
  if #jobs == 0 then config.raise(('%s has no job "%s"'):format(args.script, args.job)) end
  for _, job in ipairs(jobs) do
    if not job.verify then
      config.raise(job:name() .. ' is a task: what it writes is known only to its loop, so it cannot be verified',
        'name the jobs to verify with --job, or compare by hand')
    end
  end
  return jobs
end

-- The application's queries, on the database that the first job filled.
local function run_pairs(file, job)
  terminal.line()
  return query_pairs.command(file, places.existing((job:target())), {})
end

-- What to type next.
local function tell_next(list, args)
  local wrong, refused = false, false
  for _, found in ipairs(list) do
    refused = refused or tonumber(found.rejected) + tonumber(found.kept_rejects) > 0
    wrong = wrong or #found.altered > 0
    for _, one in ipairs(found.tables) do
      wrong = wrong or tonumber(one.missing) + tonumber(one.extra) + tonumber(one.different) > 0
    end
  end
  if wrong then
    terminal.say('what a repair would write: lugger repair ', cli.script_line(args), args.live and ' --live' or '')
  end
  if refused then terminal.say('see the rejects with: lugger rejects ', cli.script_line(args)) end
end

local function run(args)
  local status = cli.exit.done
  if args.query_pairs and args.json then
    require('lugger.inner.cli.flags').usage_error('--json and --query-pairs exclude each other',
      'lugger pairs FILE --json')
  end
  local jobs = jobs_of(args)
  local list, failed = verification.verify_all(jobs, options_of(args), args.quiet or args.json)
  for _, found in ipairs(list) do
    if not found.equal then status = cli.exit.differences end
  end
  if #failed > 0 then status = cli.exit.failed end
  failures.tell(failed)
  if #list == 0 then return status end
  local signed = args.verdict and verdict.write(args.verdict, list, failed)
  if args.json then
    local fields = json.list {}
    for i, found in ipairs(list) do fields[i] = verdict.fields(found) end
    terminal.line(json.encode(fields))
  elseif not args.quiet then
    verdict_view.show(list)
  end
  if args.verdict and not args.quiet then
    terminal.say('verdict written to ', args.verdict, signed and ', signed: ' .. args.verdict .. '.minisig'
      or '; not signed: `lugger verdict key` makes a key')
  end
  if not args.quiet and not args.json then tell_next(list, args) end
  if args.query_pairs and run_pairs(args.query_pairs, jobs[1]) ~= cli.exit.done and #failed == 0 then
    status = cli.exit.differences
  end
  return status
end

return {
  summary = 'Compare every row of the target with the source, by value, through the same mapping.',
  arguments = { { 'script', 'the script whose jobs were run' } },
  flags = cli.with_script_flags(cli.yielding {
    { 'live', 'while the application writes and `lugger move` applies its changes' },
    { 'sample', 'only N rows, or as many as a confidence such as 0.99 needs', value = 'N', type = 'number' },
    { 'seed', 'choose the same sample again', value = 'SEED', type = 'int' },
    { 'where', 'only rows of the target that satisfy this SQL condition', value = 'SQL' },
    { 'since', 'only documents made at or after this time, by _id or by a field: updatedAt=TIME', value = 'TIME' },
    { 'columns', 'only these columns, and the key', value = 'A,B' },
    { 'limit-shown', 'wrong rows to show, of each table and kind (default 10)', value = 'N', type = 'int' },
    { 'rechecks', 'read rows that differ again, so often at most, until they settle (default 5)', value = 'N',
      type = 'int' },
    { 'recall', 'whether search finds on both sides what it should: see docs/recall.md' },
    { 'recall-k', 'neighbours that a query asks for (default 10)', value = 'K', type = 'int', least = 1 },
    { 'recall-sample', 'as many stored vectors are the queries (default 100)', value = 'N', type = 'int', least = 1 },
    { 'recall-queries', 'the queries are the lines of this file', value = 'FILE' },
    { 'recall-column', 'the column with the vectors, where there are several', value = 'NAME' },
    { 'recall-metric', 'cosine, dot, l2, l1, hamming or jaccard (default: as the index)', value = 'METRIC' },
    { 'min-recall', 'the least recall of the target that counts as equal (default 0.95)', value = 'SHARE',
      type = 'number' },
    { 'verdict', 'write the verdict to this file, signed when there is a key', value = 'FILE' },
    { 'query-pairs', 'run the queries of this file on the target too, as lugger pairs does', value = 'FILE' },
    { 'json', 'print the verdict as JSON' },
    { 'job', 'only this job of the script', value = 'NAME' },
    { 'jobs', 'connections that read at once (default: one a core, at most 4)', short = 'j', value = 'N', type = 'int',
      least = 1 },
    { 'quiet', 'print nothing: the exit status tells', short = 'q' },
  }),
  takes_script = true,
  more = 'Exit status: 0 equal, 4 not equal or a query pair failed, 1 the comparison itself failed.',
  examples = { 'lugger verify users.lua', 'lugger verify users.lua --verdict verdict.json',
    'lugger verify users.lua --sample 0.99', "lugger verify users.lua --where \"country = 'NO'\"" },
  run = run,
}
