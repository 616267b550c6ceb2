-- The findings of lint: a code, why it matters, and the safe form. docs/lint.md is made from this table.
local codes = {}

---@class lugger.lint.code
---@field [1] string the code
---@field [2] "error"|"warning"|"note"
---@field [3] string what it is
---@field why string
---@field safe string

codes.list = {
  { 'volatile-default', 'warning', 'a column is added whose values must be computed row by row',
    why = 'the whole table is rewritten under ACCESS EXCLUSIVE: nobody reads or writes it meanwhile',
    safe = 'add the column without default, set the default, then fill the old rows in batches: schema.add_column' },
  { 'type-change', 'warning', 'the type of a column is changed in place',
    why = 'as a rule the whole table is rewritten under ACCESS EXCLUSIVE, and its indexes with it',
    safe = 'a second column kept in step by a trigger, filled in batches, and a short swap: schema.change_type' },
  { 'table-rewrite', 'warning', 'the whole table is rewritten',
    why = 'ACCESS EXCLUSIVE is held until every row is copied',
    safe = 'plan a window for it, or move the rows in batches' },
  { 'set-not-null', 'warning', 'SET NOT NULL without a validated CHECK (column IS NOT NULL)',
    why = 'every row is read under ACCESS EXCLUSIVE',
    safe = 'CHECK ... NOT VALID, VALIDATE CONSTRAINT, then SET NOT NULL, which it proves: schema.add_not_null' },
  { 'not-null-without-default', 'warning', 'a NOT NULL column is added without a default',
    why = 'it fails as soon as the table has a row',
    safe = 'give it a default, or add it nullable, fill it and use schema.add_not_null' },
  { 'blocking-index', 'warning', 'an index is built without CONCURRENTLY',
    why = 'SHARE is held while the table is read: all writes wait',
    safe = 'CREATE INDEX CONCURRENTLY: schema.add_index' },
  { 'blocking-index-drop', 'warning', 'an index is dropped without CONCURRENTLY',
    why = 'ACCESS EXCLUSIVE on the table waits for every running query, and every new query waits behind it',
    safe = 'DROP INDEX CONCURRENTLY: schema.drop_index' },
  { 'blocking-refresh', 'warning', 'a materialized view is refreshed without CONCURRENTLY',
    why = 'ACCESS EXCLUSIVE is held while its query runs: nobody reads it',
    safe = 'REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on it' },
  { 'blocking-detach', 'warning', 'a partition is detached without CONCURRENTLY',
    why = 'ACCESS EXCLUSIVE on the whole table waits for every running query, and every new query waits behind it',
    safe = 'DETACH PARTITION ... CONCURRENTLY' },
  { 'attach-scan', 'warning', 'a table becomes a partition without a CHECK that proves its bounds',
    why = 'every row of it is read under ACCESS EXCLUSIVE',
    safe = 'CHECK of the bounds NOT VALID, VALIDATE CONSTRAINT, then ATTACH PARTITION' },
  { 'blocking-reindex', 'warning', 'REINDEX without CONCURRENTLY',
    why = 'writes wait, and so does every query that wants the index',
    safe = 'REINDEX ... CONCURRENTLY' },
  { 'foreign-key-scan', 'warning', 'a foreign key is added without NOT VALID',
    why = 'both tables are locked against writes while every row is checked',
    safe = 'NOT VALID first, VALIDATE CONSTRAINT in another transaction: schema.add_foreign_key' },
  { 'check-scan', 'warning', 'a CHECK is added without NOT VALID',
    why = 'every row is read under ACCESS EXCLUSIVE',
    safe = 'NOT VALID first, VALIDATE CONSTRAINT in another transaction: schema.add_check' },
  { 'unique-scan', 'warning', 'a UNIQUE, PRIMARY KEY or EXCLUDE constraint builds its index under ACCESS EXCLUSIVE',
    why = 'nobody reads or writes the table until the index is built',
    safe = 'CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT ... USING INDEX: schema.add_unique' },
  { 'validate-in-same-transaction', 'warning', 'a constraint is validated in the transaction that adds it',
    why = 'the strong lock of ADD CONSTRAINT is held while every row is read',
    safe = 'validate in a migration of its own, or `-- no transaction`' },
  { 'rename-in-use', 'warning', 'what may be in use is renamed, or moved to another schema',
    why = 'code that runs now knows the old name and fails at once',
    safe = 'add the new one beside it, keep both in step, move the code, then drop the old one: schema.rename_column' },
  { 'drop-in-use', 'warning', 'what may be in use is dropped',
    why = 'code that runs now still uses it; data in it is gone',
    safe = 'first release code that does not use it; schema.drop_column stops when something depends on it' },
  { 'drop-cascade', 'warning', 'DROP ... CASCADE',
    why = 'views, foreign keys and whatever else depends on it are dropped without a word',
    safe = 'name what is to be dropped' },
  { 'truncate', 'warning', 'TRUNCATE of a table that may hold data',
    why = 'all rows go, under ACCESS EXCLUSIVE', safe = 'DELETE in batches, or drop the table on purpose' },
  { 'lock-held-across-backfill', 'warning', 'rows are changed in a transaction that holds a strong lock',
    why = 'the lock is held until the last row is written, and everybody waits for it',
    safe = 'two migrations, or db:batches: each batch commits by itself' },
  { 'mixed-ddl-data', 'warning', 'one transaction changes the schema and data',
    why = 'it takes as long as the data takes; a failure in the data takes the schema back too',
    safe = 'a migration for the schema and one for the data' },
  { 'locks-on-many-tables', 'warning', 'one transaction takes ACCESS EXCLUSIVE on several tables',
    why = 'while it waits for the second, the first is locked for all; two such transactions can deadlock',
    safe = 'a migration for each table' },
  { 'explicit-lock', 'warning', 'LOCK TABLE in a mode for which writes wait',
    why = 'it is held to the end of the transaction, whatever else that does',
    safe = 'the lock that a statement takes by itself; a weaker mode; a transaction of its own' },
  { 'lock-timeout-off', 'warning', 'lock_timeout is set to 0',
    why = 'a statement that waits for its lock without end has everybody else waiting behind it',
    safe = 'leave it: `lugger migrate` gives up after some seconds and tries again' },
  { 'triggers-off', 'warning', 'triggers are disabled',
    why = 'what is written meanwhile passes them by, with ALL or as a replica foreign keys too, and nobody checks it '
      .. 'later',
    safe = 'a condition in the trigger that the writing session can meet, such as a setting' },
  { 'unbounded-update', 'warning', 'UPDATE of every row: without WHERE, or with one that always holds',
    why = 'every row is written and locked in one transaction; the table doubles in size until vacuum',
    safe = 'batches by key: schema.backfill, db:batches' },
  { 'unbounded-delete', 'warning', 'DELETE of every row: without WHERE, or with one that always holds',
    why = 'every row is locked in one transaction', safe = 'batches by key: db:batches' },
  { 'json-column', 'warning', 'a column of the type json is added',
    why = 'json has no equality: SELECT DISTINCT, GROUP BY and UNION over the table fail from then on',
    safe = 'jsonb' },
  { 'temporary-in-steps', 'warning', 'a temporary table or a held cursor in a file that runs step by step',
    why = 'it goes with its session: after a failure the steps behind it cannot be gone on with',
    safe = 'one db:transaction for it and what uses it, or a table that is not temporary' },
  { 'setting-left-on', 'warning', 'a file of plain SQL ends with settings that it made for the session',
    why = 'whatever the session runs next has them too',
    safe = 'SET LOCAL in a transaction, or RESET at the end; the session of a migration ends with its file' },
  { 'missing-down', 'warning', 'the migration has no way back',
    why = '`migrate down` stops at it', safe = 'write `-- down`, or `down = function(db) ... end`' },
  { 'concurrently-in-transaction', 'error', 'CONCURRENTLY inside BEGIN ... COMMIT',
    why = 'PostgreSQL refuses it', safe = 'take it out of the transaction' },
  { 'transaction-control', 'error', 'BEGIN, COMMIT or ROLLBACK in a migration',
    why = 'lugger begins and ends the transaction, with the row of the ledger in it',
    safe = 'leave it out; `-- no transaction` runs each statement by itself' },
  { 'open-transaction', 'error', 'BEGIN without COMMIT in a file of plain SQL',
    why = 'the session ends, and all of it is rolled back', safe = 'COMMIT at its end' },
  { 'jsonb-equality', 'warning', 'json or jsonb compared as a whole',
    why = 'json has no equality, and jsonb compares whole documents: one more key makes them differ',
    safe = "compare a value as text (data->>'key' = 'x'), or containment (data @> ...)" },
  { 'sql-concatenation', 'error', 'SQL put together from values in Lua',
    why = 'a quote in a value ends the literal: at best an error, at worst a command',
    safe = "values as parameters: db:exec('... $1', value); names through db:quote" },
  { 'unquoted-identifier', 'warning', 'a name with capitals stands without quotes',
    why = 'PostgreSQL folds it to lower case, so that "userId" is not found under that name',
    safe = 'write it in lower case, or in double quotes everywhere' },
  { 'name-too-long', 'warning', 'a name is longer than 63 bytes',
    why = 'PostgreSQL cuts it there without an error, and two names may become one', safe = 'a shorter name' },
  { 'unreadable', 'error', 'this is not a statement of any version',
    why = 'the server would refuse it, and so does `lugger migrate up`, before anything runs',
    safe = 'correct what the message says' },
  { 'not-parsed', 'note', 'the grammar of this lugger cannot read the statement',
    why = 'it may be newer than the grammar, or wrong; no other rule looked at it',
    safe = 'try it: lugger migrate up --dry-run' },
  { 'suppression', 'warning', 'a suppression without a reason, or of an unknown code',
    why = 'nobody will know later why it was allowed',
    safe = '-- lugger: allow CODE because REASON' },
}

---@type table<string, lugger.lint.code|nil>
codes.by_name = {}
for _, code in ipairs(codes.list) do codes.by_name[code[1]] = code end

--- The table of docs/lint.md.
---@return string
function codes.markdown()
  local lines = { '| code | | what | why | safe form |', '|---|---|---|---|---|' }
  for _, code in ipairs(codes.list) do
    lines[#lines + 1] = ('| `%s` | %s | %s | %s | %s |'):format(code[1], code[2], code[3], code.why,
      (code.safe:gsub('|', '\\|')))
  end
  return table.concat(lines, '\n')
end

return codes
