-- pg '\d users', '\dt', '\l' and so on: psql's commands, implemented by our own queries.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local sql_db = require 'lugger.inner.sql.db'
local sql_result = require 'lugger.inner.sql.result'
local terminal = require 'lugger.inner.view.terminal'

local sql_describe = {}

-- The schema is a condition only if it was given; otherwise the search_path decides.
local relations = [[
select n.nspname as schema, c.relname as name,
       case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
         when 'm' then 'materialized view' when 'i' then 'index' when 'I' then 'partitioned index'
         when 'S' then 'sequence' when 'f' then 'foreign table' end as kind,
       pg_catalog.pg_get_userbyid(c.relowner) as owner,
       case when c.relkind in ('r', 'p', 'm', 'i', 'I') then
         pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size(c.oid)) end as size
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = any($1::text[]::"char"[])
   and ($2 <> '' or n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast')
   and ($2 = '' or c.relname like $2)
   and case when $3 = '' then pg_catalog.pg_table_is_visible(c.oid) else n.nspname like $3 end
 order by 1, 2]]

local found_relation = [[
select c.oid::text as id, n.nspname as schema, c.relname as name, c.relkind::text as kind
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relname = $1 and case when $2 = '' then pg_catalog.pg_table_is_visible(c.oid) else n.nspname = $2 end]]

local columns = [[
select a.attname as column, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
       case when a.attnotnull then 'not null' else '' end as "null",
       coalesce(case when a.attidentity <> '' then 'identity' when a.attgenerated <> '' then 'generated ' else '' end ||
         pg_catalog.pg_get_expr(d.adbin, d.adrelid), case when a.attidentity <> '' then 'identity' else '' end)
         as default
  from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped order by a.attnum]]

local indexes = [[
select pg_catalog.pg_get_indexdef(i.indexrelid) as text, i.indisprimary as first, i.indisvalid as valid
  from pg_catalog.pg_index i where i.indrelid = $1::oid order by i.indisprimary desc, 1]]

local constraints = [[
select conname || ' ' || pg_catalog.pg_get_constraintdef(oid) as text
  from pg_catalog.pg_constraint where conrelid = $1::oid and contype in ('c', 'f', 'x') order by contype, conname]]

local referenced = [[
select conrelid::pg_catalog.regclass::text || ' ' || conname || ' ' || pg_catalog.pg_get_constraintdef(oid) as text
  from pg_catalog.pg_constraint where confrelid = $1::oid and contype = 'f' order by 1]]

local triggers = [[
select pg_catalog.pg_get_triggerdef(oid) as text from pg_catalog.pg_trigger
 where tgrelid = $1::oid and not tgisinternal order by tgname]]

---@type table<string, string|nil>
local lists = {
  l = [[select datname as name, pg_catalog.pg_get_userbyid(datdba) as owner, pg_catalog.pg_encoding_to_char(encoding) as
          encoding,
          datcollate as collation, case when pg_catalog.has_database_privilege(datname, 'CONNECT')
          then pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(datname)) end as size
          from pg_catalog.pg_database order by 1]],
  dn = [[select nspname as name, pg_catalog.pg_get_userbyid(nspowner) as owner from pg_catalog.pg_namespace
           where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1]],
  du = [[select rolname as role, rolsuper as superuser, rolcreatedb as createdb, rolcreaterole as createrole,
    rolcanlogin as login,
           rolreplication as replication from pg_catalog.pg_roles where rolname !~ '^pg_' order by 1]],
  dx = [[select e.extname as name, e.extversion as version, n.nspname as schema from pg_catalog.pg_extension e
           join pg_catalog.pg_namespace n on n.oid = e.extnamespace order by 1]],
  df = [[select n.nspname as schema, p.proname as name, pg_catalog.pg_get_function_result(p.oid) as result,
           pg_catalog.pg_get_function_arguments(p.oid) as arguments
           from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          where n.nspname not in ('pg_catalog', 'information_schema') order by 1, 2]],
}
---@type table<string, string|nil>
local kinds = { dt = '{r,p}', dv = '{v}', dm = '{m}', di = '{i,I}', ds = '{S}', d = '{r,p,v,m,S,f}' }

-- schema.name, each part plain or in double quotes; * and ? as in psql.
local function parts_of(word)
  local function part(text)
    local quoted = text:match '^"(.*)"$'
    return quoted and quoted:gsub('""', '"') or text:lower()
  end
  local schema, name = word:match '^("[^"]*")%.(.+)$'
  if not schema then schema, name = word:match '^([^%."]+)%.(.+)$' end
  if not schema then return '', part(word) end
  return part(schema), part(name)
end

local function like(text)
  return (text:gsub('[\\%%_]', '\\%0'):gsub('%*', '%%'):gsub('%?', '_'))
end

local function part(session, title, sql, id, lines)
  local result = session:query(sql, id)
  if #result == 0 then return end
  lines[#lines + 1] = title
  for _, row in ipairs(result) do
    local note = row.first and ' (primary key)' or row.valid == false and ' (invalid)' or ''
    lines[#lines + 1] = '  ' .. terminal.printable(row.text) .. note
  end
end

local description_meta = { __tostring = function(self) return self.text end }

local function relation(session, word)
  local schema, name = parts_of(word)
  local found = session:query(found_relation, name, schema)[1]
  if not found then
    local names = {}
    for _, row in ipairs(session:query(relations, kinds.d, '', '')) do names[#names + 1] = row.name end
    config.raise(('there is no table or view "%s"'):format(word), fault.near(name, names, "pg '\\dt' lists the tables"))
  end
  local lines = { ('%s.%s'):format(found.schema, found.name) }
  local raw = sql_result.raw(session:query(columns, found.id)) --[[@as table]]
  lines[#lines + 1] = (sql_result.table_text(raw, nil, ''):gsub('\n%b()$', ''))
  part(session, 'indexes', indexes, found.id, lines)
  part(session, 'constraints', constraints, found.id, lines)
  part(session, 'referenced by', referenced, found.id, lines)
  part(session, 'triggers', triggers, found.id, lines)
  return setmetatable({ text = table.concat(lines, '\n') }, description_meta)
end

--- Executes a describe command: "d users", "dt", "l".
---@param session lugger.db
---@param command string behind the backslash
---@return lugger.sql_result|table
function sql_describe.run(session, command)
  local word, argument = command:match '^(%a+)%+?%s*(.-)%s*;?%s*$'
  local backend = sql_db.backend(session) --[[@as lugger.sql_session]]
  local before = backend.last_sql
  local function done(...)
    backend.last_sql = before -- :explain refers to the user's statement, not to our own queries
    return ...
  end
  if lists[word] then return done(session:query(lists[word])) end
  if word == 'd' and argument and argument ~= '' and not argument:find '[*?]' then
    return done(relation(session, argument))
  end
  if not kinds[word] then
    config.raise(('pg knows no \\%s'):format(word or command),
      'it knows \\d [NAME], \\dt, \\dv, \\dm, \\di, \\ds, \\dn, \\du, \\dx, \\df, \\l; `lugger psql` has all of them')
  end
  local schema, name = parts_of(argument)
  return done(session:query(relations, kinds[word], like(name), like(schema)))
end

return sql_describe
