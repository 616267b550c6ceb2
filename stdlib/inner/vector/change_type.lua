-- lugger vector change-type: the command. It changes the type of a column of a table in use, step by step.
local duration = require 'lugger.inner.base.duration'

local words = { 'plan', 'add', 'backfill', 'compare', 'index', 'swap', 'drop', 'back', 'all' }

local function limits(args)
  local out = { max_lag = args.max_lag and duration.seconds(args.max_lag, '--max-lag'),
    max_long_transaction = args.max_long_transaction and duration.seconds(args.max_long_transaction,
      '--max-long-transaction'),
    max_lock_waits = args.max_lock_waits, rows_per_s = args.rows_per_s }
  return next(out) and out or nil
end

local function run(args)
  local key = {}
  for name in (args.key or ''):gmatch '[^,]+' do key[#key + 1] = name end
  args.key = #key > 0 and key or nil
  args.throttle = limits(args)
  return require('lugger.inner.column.command').run(args)
end

return {
  summary = 'Change the type of a column while others read and write: a second column, compared, swapped, and undone '
    .. 'without loss.',
  arguments = {
    { 'column', 'TABLE.COLUMN, or SCHEMA.TABLE.COLUMN' },
    { 'type', "the new type, as in 'halfvec(1536)'; not needed once the change has begun", optional = true },
  },
  flags = {
    { 'step', 'plan, add, backfill, compare, index, swap; then drop or back. all: as far as swap. Without it: what '
      .. 'comes next', value = 'STEP', choices = words },
    { 'on', 'the database (default: PG_DIRECT_URI, else PG_URI)', value = 'PLACE' },
    { 'using', 'the new value as an SQL expression (default: a cast)', value = 'SQL' },
    { 'back', 'the old value as an SQL expression of the new one (default: a cast)', value = 'SQL' },
    { 'queries', 'run these on the new column, rolled back: alone, or before the swap, which they stop; a file of SQL, '
      .. 'or pg_stat_statements', value = 'FILE' },
    { 'role', 'the role that sends the queries (default: yours; of pg_stat_statements: each its own)',
      value = 'NAME' },
    { 'key', 'columns of a unique index to go over the table by (default: the primary key)', value = 'A,B' },
    { 'batch-rows', 'rows a batch (default 1000)', value = 'N', type = 'int', least = 1 },
    { 'pause-ms', 'pause between batches', value = 'MS', type = 'int' },
    { 'rows-per-s', 'go over no more rows a second', value = 'N', type = 'int', least = 1 },
    { 'max-lag', 'wait while a standby is further behind, as in 5s', value = 'TIME' },
    { 'max-lock-waits', 'wait while more sessions wait for a lock', value = 'N', type = 'int' },
    { 'max-long-transaction', 'wait while a transaction is older, as in 10min', value = 'TIME' },
    { 'max-bytes', 'refuse when more disk is needed', value = 'N', type = 'int', least = 1 },
    { 'downtime', 'ALTER TABLE ... TYPE instead: nobody reads or writes the table meanwhile. Without --step all: how '
      .. 'long that is' },
    { 'published', 'the subscribers of the table have the second column already' },
    { 'accept-loss', 'back: also when the old type does not hold a new value exactly' },
    { 'lock-timeout', 'give up waiting for a lock after this time, and try again (default 3s; 0: wait)',
      value = 'TIME' },
    { 'tries', 'attempts when another session holds a lock (default 10)', value = 'N', type = 'int', least = 1 },
    { 'state-schema', 'schema of the ledger (default lugger)', value = 'NAME' },
    { 'wait', 'wait while another process changes a column or runs migrations' },
  },
  more = 'Exit status: 0 done, 1 failed, 2 usage, 4 queries fail, 130 stopped.\n'
    .. 'The same command goes on after anything.',
  examples = { "lugger vector change-type docs.embedding 'halfvec(1536)' --step plan",
    "lugger vector change-type docs.embedding 'halfvec(1536)' --step all",
    'lugger vector change-type docs.embedding --step drop' },
  run = run,
}
