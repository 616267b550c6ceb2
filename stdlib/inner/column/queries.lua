-- The application's own queries, run on the new column before it is in its place: under the role that sends them and
-- its search_path, in a transaction that is rolled back.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local statement = require 'lugger.inner.migrate.statement'
local terminal = require 'lugger.inner.view.terminal'
local sql = native.sql
local system = native.system

local queries = {}

---@type table<string, boolean>
local kinds = { SelectStmt = true, InsertStmt = true, UpdateStmt = true, DeleteStmt = true, MergeStmt = true }

---@class lugger.application_query
---@field text string
---@field role string|nil
---@field recorded boolean|nil by pg_stat_statements

---@return lugger.application_query[]
local function of_file(path, role)
  if not system.stat(path) then config.raise('there is no file ' .. path) end
  local list = {}
  for i, st in ipairs(statement.split(system.read_file(path))) do list[i] = { text = st.text, role = role } end
  return list
end

local extension_sql = [[SELECT pg_catalog.quote_ident(n.nspname) FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements']]

local recorded_sql = [[SELECT DISTINCT s.query, r.rolname FROM %s.pg_stat_statements s
  JOIN pg_roles r ON r.oid = s.userid
  WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = pg_catalog.current_database())
    AND pg_catalog.strpos(pg_catalog.lower(s.query), pg_catalog.lower($1)) > 0]]

---@return lugger.application_query[]
local function recorded(connection, bare, role)
  local row = connection:query(extension_sql).rows[1]
  if not row then
    config.raise('this database has no pg_stat_statements', 'give a file with the queries: --queries FILE')
  end
  local list = {}
  for _, one in ipairs(connection:query(recorded_sql:format(row[1]), { bare }).rows) do
    if not role or one[2] == role then list[#list + 1] = { text = one[1], role = one[2], recorded = true } end
  end
  return list
end

-- The path that a session of the role begins with, in this database.
local path_sql = [[SELECT pg_catalog.substr(s.line, 13)
  FROM pg_db_role_setting x, pg_catalog.unnest(x.setconfig) AS s (line)
  WHERE s.line LIKE 'search\_path=%' AND x.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = $1))
    AND x.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = pg_catalog.current_database()))
  ORDER BY x.setrole <> 0 DESC, x.setdatabase <> 0 DESC LIMIT 1]]

-- What the server's files say is seen where nothing else overrides it for the role that asks.
local default_path_sql = [[SELECT CASE WHEN EXISTS (SELECT FROM pg_db_role_setting x,
      pg_catalog.unnest(x.setconfig) AS s (line) WHERE s.line LIKE 'search\_path=%'
      AND x.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))) THEN boot_val ELSE reset_val END
  FROM pg_catalog.pg_settings WHERE name = 'search_path']]

local function path_of(connection, role)
  local row = connection:query(path_sql, { role }).rows[1]
  if row then return row[1] end
  return connection:query(default_path_sql).rows[1][1]
end

-- The table as it will be: a temporary view is found before every table of its name.
-- Of the columns that the role may read: a view asks for all of its own.
local function view_sql(connection, one, role, hidden)
  local columns = {}
  for _, row in ipairs(connection:query([[SELECT attname FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1)
      AND attnum > 0 AND NOT attisdropped AND attname NOT IN ($2, $3)
      AND pg_catalog.has_column_privilege(coalesce($4, current_user), attrelid, attnum, 'SELECT') ORDER BY attnum]],
    { one.quoted, one.column, one.shadow, role or native.null }).rows) do
    columns[#columns + 1] = sql.name(row[1])
  end
  columns[#columns + 1] = sql.name(hidden) .. ' AS ' .. sql.name(one.column)
  return ('CREATE TEMPORARY VIEW %s WITH (security_invoker = true) AS SELECT %s FROM %s'):format(
    sql.name(one.found.bare), table.concat(columns, ', '), one.quoted)
end

-- Whether a syntax tree names the table: not by an alias, nor as another schema's.
local function speaks_of(node, one)
  if type(node) ~= 'table' then return false end
  if node.relname == one.found.bare and (node.schemaname == nil or node.schemaname == one.found.namespace) then
    return true
  end
  for _, inner in pairs(node) do
    if speaks_of(inner, one) then return true end
  end
  return false
end

-- "public.docs" becomes the view's name.
local function retold(text, one)
  local tokens, out, at = sql.tokens(text), {}, 1
  local function is(token, name)
    if not token then return false end
    if token.kind == 'quoted' then return token.text:sub(2, -2):gsub('""', '"') == name end
    return (token.kind == 'name' or token.kind == 'keyword') and token.text:lower() == name
  end
  for i, token in ipairs(tokens) do
    if is(token, one.found.namespace) and tokens[i + 1] and tokens[i + 1].text == '.'
      and is(tokens[i + 2], one.found.bare) then
      out[#out + 1] = text:sub(at, token.offset) .. 'pg_temp'
      at = token.offset + #token.text + 1
    end
  end
  return table.concat(out) .. text:sub(at)
end

local function is_positional(st, one)
  if st.tag ~= 'InsertStmt' then return false end
  local node = st.node
  return node.cols == nil and node.selectStmt ~= nil and node.relation.relname == one.found.bare
end

-- A write is planned: its types are checked, and nobody waits for its rows. So is a query that turns out to change
-- something, as setval does, which no rollback takes back.
local function run_or_plan(session, text, values, reads_only)
  if reads_only then
    session:query 'SAVEPOINT lugger_query; SET TRANSACTION READ ONLY'
    local ok, err = pcall(session.query, session, text, values) ---@type boolean, any
    if ok then return end
    if type(err) ~= 'table' or err.sqlstate ~= '25006' then error(err, 0) end
    session:query 'ROLLBACK TO SAVEPOINT lugger_query'
  end
  session:query('EXPLAIN ' .. text, values)
end

local function try(connection, one, query, st, hidden)
  local text = retold(query.text, one)
  connection:begin()
  local session = connection:session()
  session:query "SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '500ms'"
  local path = query.role and path_of(connection, query.role)
  session:query(view_sql(connection, one, query.role, hidden))
  for _, grant in ipairs(one.found.grants) do
    session:query(('GRANT %s (%s) ON %s TO %s'):format(grant.privilege, sql.name(hidden), one.quoted,
      grant.grantee))
  end
  session:query(('GRANT ALL ON pg_temp.%s TO PUBLIC'):format(sql.name(one.found.bare)))
  if query.role then
    session:query("SELECT pg_catalog.set_config('search_path', $1, true)", { path })
    session:query('SET LOCAL ROLE ' .. sql.name(query.role))
  end
  local values = {}
  for i in ipairs(session:parameter_types(text)) do values[i] = native.null end
  run_or_plan(session, text, #values > 0 and values or nil, st.reads_only)
end

local function brief(text)
  return terminal.printable(statement.brief(text))
end

local function attempt(connection, one, query, st, hidden)
  local ok, err = pcall(try, connection, one, query, st, hidden) ---@type boolean, any
  connection:rollback()
  return ok, err
end

-- What is recorded has $1 in the place of each constant, and where it had a type of its own the server cannot tell it
-- any more: such a statement does not run on the column as it is, either.
local function is_blurred(connection, one, query, st)
  return query.recorded and query.text:find '%$%d' and not attempt(connection, one, query, st, one.column)
end

--- Runs the queries. What fails, as lines, how many were run, and how many cannot be, as they were recorded.
---@param connection lugger.migrate.connection
---@param one lugger.column_job
---@param list lugger.application_query[]
---@return string[] failures
---@return integer ran
---@return integer blurred
function queries.failures(connection, one, list)
  local out, ran, blurred = {}, 0, 0
  for _, query in ipairs(list) do
    local st = statement.read(query.text)
    if kinds[st.tag] and speaks_of(st.node, one) then
      local ok, err = attempt(connection, one, query, st, one.shadow)
      local why ---@type string|nil
      if not ok and is_blurred(connection, one, query, st) then
        blurred = blurred + 1
      elseif not ok then
        ran, why = ran + 1, tostring(err.message or err)
      else
        ran = ran + 1
        why = is_positional(st, one) and 'it names no columns, and their order changes' or nil
      end
      if why then
        out[#out + 1] = ('%s%s\n    %s'):format(query.role and query.role .. ': ' or '', why, brief(query.text))
      end
    end
  end
  return out, ran, blurred
end

--- Tells which queries of the application do not run on the new column.
---@param run lugger.migrate.run
---@param one lugger.column_job
---@param from string a file of SQL, or "pg_stat_statements"
---@param role string|nil
---@return boolean good
function queries.check(run, one, from, role)
  local list = from == 'pg_stat_statements' and recorded(run.main, one.found.bare, role) or of_file(from, role)
  local failures, ran, blurred = queries.failures(run.main, one, list)
  if blurred > 0 then
    terminal.say(('%s on %s cannot be run as recorded, with $1 for a constant, nor on the column as it is: give them '
      .. 'in a file'):format(terminal.count(blurred, 'statement'), one.table))
  end
  if #failures == 0 then
    terminal.say(('queries: %s of %s run on %s as it will be'):format(terminal.group(ran),
      terminal.count(#list, 'statement'), one.table))
    return true
  end
  terminal.obstacle(('%s of %s on %s do not run with the new type:\n  %s'):format(terminal.group(#failures),
    terminal.count(ran, 'statement'), one.table, table.concat(failures, '\n  ')))
  return false
end

return queries
