-- `migrate up --rehearse`: runs the pending migrations on a temporary copy. The copy is a database made with the real
-- one as its template, if that is allowed; otherwise a private server with its schema and a sample of its rows.
local apply = require 'lugger.inner.migrate.apply'
local catalog = require 'lugger.inner.migrate.catalog'
local config = require 'lugger.inner.cli.config'
local connection = require 'lugger.inner.migrate.connection'
local dry_run = require 'lugger.inner.migrate.dry_run'
local ledger = require 'lugger.inner.migrate.ledger'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local rehearse = {}

local sample_rows = 1000 -- of each table

local function with_database(url, name)
  -- A place is a URL or a keyword string, in which a later dbname replaces an earlier one.
  if url:find('://', 1, true) then
    local head, query = url:match('^([^?]*)(%??.*)$')
    local base = head:match('^(%w+://[^/]*)')
    query = query:gsub('([?&])dbname=[^&]*', '%1')
    return base .. '/' .. name .. query
  end
  return url .. " dbname='" .. name .. "'"
end

-- A copy shares only the options with the run.
local function run_of(run, place, others)
  local copy = setmetatable({}, getmetatable(run))
  for key, value in pairs(run) do copy[key] = value end
  copy.main = connection.new('main', place, run.main.settings, 'rehearsal')
  copy.main.pooled = run.main.pooled -- what a pooler forbids must fail here too
  copy.ledger = ledger.open(copy.main, run.options.schema)
  copy.lease, copy.history_id, copy.observer, copy.others, copy.books = nil, nil, nil, others, {}
  return copy
end

local largest_copy = 1e9 -- bytes; larger databases are sampled

local function template_copy(run)
  local size = run.main:query('SELECT pg_catalog.pg_database_size(pg_catalog.current_database())').rows[1][1]
  if tonumber(size) > largest_copy then return nil end
  local name = ('lugger_rehearsal_%d'):format(system.pid())
  local own = run.main:query('SELECT pg_catalog.current_database()').rows[1][1]
  local admin = connection.new('admin', with_database(run.main.place, own == 'postgres' and 'template1'
    or 'postgres'), {}, 'rehearsal')
  local ok = pcall(function()
    run.main:close() -- our own session would prevent the copy
    admin:query(('CREATE DATABASE %s TEMPLATE %s'):format(native.sql.name(name), native.sql.name(own)))
  end)
  if not ok then
    admin:close()
    return nil
  end
  return { place = with_database(run.main.place, name), same_server = true,
    words = 'a database made from this one as its template',
    remove = function()
      pcall(admin.query, admin, ('DROP DATABASE %s WITH (FORCE)'):format(native.sql.name(name)))
      admin:close()
    end }
end

local dump_schema = 'pg_dump --schema-only --no-owner --no-privileges --exclude-schema="$SCHEMA" "$FROM" > "$FILE"'
local restore_schema = 'psql -X -q -v ON_ERROR_STOP=0 -f "$FILE" "$TO" > /dev/null 2> "$FILE.errors"'

-- What the private server lacks, such as an extension, is reported and left out.
local function copy_schema(run, to)
  local file = os.tmpname()
  local from, password = native.pg_program_place(run.main.place)
  local environment = { FROM = from, TO = to, SCHEMA = '"' .. run.options.schema .. '"', FILE = file,
    PGPASSWORD = password }
  local dumped = system.spawn({ 'sh', '-c', dump_schema }, environment)
  local restored = dumped == 0 and system.spawn({ 'sh', '-c', restore_schema }, environment)
  local errors = restored and system.read_file(file .. '.errors') or ''
  os.remove(file)
  os.remove(file .. '.errors')
  if dumped ~= 0 or restored ~= 0 then
    config.raise('the schema cannot be copied by pg_dump and psql',
      'are they installed (postgresql-client), and at least '
      .. 'as new as the server? What they say stands above')
  end
  local first, more = errors:match('ERROR:%s*([^\n]*)'), select(2, errors:gsub('ERROR:', ''))
  if first then
    terminal.warn(('the copy lacks %s of the schema; the first: %s'):format(terminal.count(more, 'statement'),
      terminal.printable(first)))
  end
end

local tables_sql = [[SELECT c.oid::regclass::text,
    (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', $1) ORDER BY 1]]

local keys_sql = [[SELECT k.conrelid::regclass::text, k.confrelid::regclass::text,
    (SELECT pg_catalog.string_agg(pg_catalog.format('p.%I = c.%I', pa.attname, ca.attname), ' AND ')
      FROM unnest(k.conkey, k.confkey) AS
      x(c, p)
     JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = x.c
     JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = x.p),
    (SELECT pg_catalog.string_agg(pg_catalog.format('c.%I IS NOT NULL', ca.attname), ' AND ')
      FROM pg_catalog.unnest(k.conkey) AS x(c)
     JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = x.c)
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
  WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname <> $1]]

local lonely = 'DELETE FROM %s AS c WHERE %s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)'

-- A sample breaks references: rows that refer to missing rows are deleted, until none is left.
local function mend_references(copy, schema)
  local keys = copy.main:query(keys_sql, { schema }).rows
  local gone = 1
  while gone > 0 do
    gone = 0
    for _, key in ipairs(keys) do
      gone = gone + copy.main:query(lonely:format(key[1], key[4], key[2], key[3])).affected
    end
  end
end

local function sample(run, copy)
  local schema, rows = run.options.schema, 0
  local tables = run.main:query(tables_sql, { schema }).rows
  copy.main:query "SET session_replication_role = 'replica'" -- no triggers or references until everything is there
  for _, one in ipairs(tables) do
    local columns = one[2] ~= native.null and one[2]
    if columns then
      local out = ('COPY (SELECT %s FROM %s LIMIT %d) TO STDOUT (FORMAT binary)'):format(columns, one[1], sample_rows)
      rows = rows + run.main:session():copy(out, copy.main:session(),
        ('COPY %s (%s) FROM STDIN (FORMAT binary)'):format(one[1], columns))
    end
  end
  mend_references(copy, schema)
  copy.main:query "SET session_replication_role = 'origin'"
  copy.main:query 'ANALYZE'
  return #tables, rows
end

-- The ledger is copied too, so that unfinished migrations are resumed.
local function copy_ledger(run, copy)
  copy.ledger:ensure()
  if not run.ledger:exists() then return end
  for _, name in ipairs { 'migrations', 'migration_steps' } do
    local whole = run.ledger.schema .. '.' .. name
    run.main:session():copy('COPY ' .. whole .. ' TO STDOUT (FORMAT binary)', copy.main:session(),
      'COPY ' .. whole .. ' FROM STDIN (FORMAT binary)')
  end
  copy.main:query(("SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence('%s.migrations', 'entry'), "
    .. "(SELECT coalesce(pg_catalog.max(entry), 0) + 1"
    .. ' FROM %s.migrations))'):format(run.ledger.schema, run.ledger.schema))
end

local function local_copy(run)
  local place = native.pg_url 'local:'
  local copy = run_of(run, place, {})
  copy_schema(run, place)
  copy_ledger(run, copy)
  local tables, rows = sample(run, copy)
  copy.main:close()
  return { place = place, words = ('a private server with the schema, and %s of %s'):format(terminal.count(rows, 'row'),
    terminal.count(tables, 'table')), remove = function() end }
end

-- The settings with which sessions of the role begin here, in ascending precedence.
local settings_sql = [[SELECT pg_catalog.split_part(c, '=', 1), pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1),
    pg_catalog.quote_ident(session_user)
  FROM pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS c
  WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = pg_catalog.current_database()))
    AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
  ORDER BY s.setrole <> 0, s.setdatabase <> 0]]

-- Lists are copied as they are, with each name quoted.
---@type table<string, boolean>
local lists = { search_path = true, temp_tablespaces = true, local_preload_libraries = true,
  session_preload_libraries = true }

-- A copy lacks the settings of its database and, on another server, those of the role. A search_path decides where the
-- migrations' tables go.
local function carry_settings(run, copy)
  local name = native.sql.name(copy.main:query('SELECT pg_catalog.current_database()').rows[1][1])
  for _, row in ipairs(run.main:query(settings_sql).rows) do
    local value = row[2]
    if row[1] == 'search_path' then
      value = value:gsub('"%$user"', (row[3]:gsub('%%', '%%%%')))
    elseif not lists[row[1]] then
      value = native.sql.literal(value)
    end
    local sql = ('ALTER ROLE CURRENT_USER IN DATABASE %s SET %s TO %s'):format(name, native.sql.name(row[1]), value)
    local ok, err = pcall(copy.main.query, copy.main, sql)
    if not ok then terminal.warn(('the copy lacks the setting %s: %s'):format(row[1], tostring(err))) end
  end
  copy.main:close() -- the next session begins with these settings
end

local counted = [[SELECT relid::regclass::text, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables
  WHERE schemaname <> $1 ORDER BY 1]]

local still_there = [[SELECT pg_catalog.count(*) FROM pg_stat_activity WHERE datname = pg_catalog.current_database()
  AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend']]

-- A session reports its statistics when it ends, slightly later than we close it.
local function end_sessions(copy)
  copy.main:close()
  for _ = 1, 500 do
    if tonumber(copy.main:query(still_there).rows[1][1]) == 0 then return end
    copy.main:query 'SELECT pg_catalog.pg_sleep(0.02)'
  end
end

-- The number of rows written since the statistics began, by table.
local function counts(copy)
  end_sessions(copy)
  local list = {}
  for _, row in ipairs(copy.main:query(counted, { copy.options.schema }).rows) do
    list[row[1]] = { tonumber(row[2]), tonumber(row[3]), tonumber(row[4]) }
    list[#list + 1] = row[1]
  end
  return list
end

local function changed_rows(before, after)
  local lines, words = {}, { 'inserted', 'updated', 'deleted' }
  for _, name in ipairs(after) do
    local parts, old = {}, before[name] or { 0, 0, 0 }
    for i, word in ipairs(words) do
      if after[name][i] > old[i] then parts[#parts + 1] = terminal.group(after[name][i] - old[i]) .. ' ' .. word end
    end
    if #parts > 0 then lines[#lines + 1] = ('  %s: %s'):format(name, table.concat(parts, ', ')) end
  end
  return lines
end

local function rehearse_items(copy, items)
  local before = catalog.read(copy.main, copy.options.schema)
  copy.ledger:ensure()
  local rows = counts(copy)
  for _, item in ipairs(items) do
    local began = system.monotonic()
    copy.say('rehearsing ', item.version, ' ', item.name)
    local how = apply.one(copy, item.migration, 'up', item.record)
    copy.say('  done in ', terminal.duration(system.monotonic() - began), how == 'steps' and ', step by step' or '')
  end
  return { rows = changed_rows(rows, counts(copy)),
    schema = catalog.diff(before, catalog.read(copy.main, copy.options.schema)) }
end

--- Runs items on a copy and shows what changed there. The real database is only read.
---@param run lugger.migrate.run
---@param items lugger.migrate.item[]
---@return integer status
function rehearse.run(run, items)
  if #items == 0 then
    terminal.say('nothing to do: all migrations are applied')
    return 0
  end
  local made = template_copy(run) or local_copy(run)
  run.say('rehearsal on ', made.words)
  local copy = run_of(run, made.place, setmetatable({}, { __index = function()
    config.raise('a rehearsal has no copies of the other databases', 'try them with --dry-run')
  end }))
  copy.rehearsal = { same_server = made.same_server }
  carry_settings(run, copy)
  local before = system.interrupt_raises(false)
  local ok, result = pcall(rehearse_items, copy, items)
  system.interrupt_raises(before)
  copy.main:close()
  made.remove()
  if not ok then
    terminal.say('the rehearsal failed; the database itself was not changed')
    error(result, 0)
  end
  dry_run.show(result.rows, result.schema)
  terminal.say('the copy is gone; the database itself was not changed')
  return 0
end

return rehearse
