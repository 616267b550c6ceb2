-- Views over a column whose type changes: dropped and made again in the transaction of the exchange, with their owners,
-- rights, options and comments. The server binds a view to the column, not to its name.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local sql = native.sql

local views = {}

local over_sql = [[WITH RECURSIVE v (oid, depth) AS (
    SELECT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid
      AND d.refobjsubid = (SELECT attnum FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2)
      AND r.rulename = '_RETURN'
    UNION SELECT r.ev_class, v.depth + 1 FROM v JOIN pg_depend d ON d.refobjid = v.oid
      AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid WHERE r.ev_class <> v.oid AND v.depth < 50)
  SELECT c.oid, c.relkind, pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)),
    pg_catalog.pg_get_viewdef(c.oid), pg_catalog.array_to_string(c.reloptions, ', '),
    pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)), pg_catalog.obj_description(c.oid, 'pg_class'),
    EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid)
      OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
      OR EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = c.oid)
      OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
        AND d.deptype = 'n' AND d.classid <> 'pg_rewrite'::regclass) AS tied
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN (SELECT oid, pg_catalog.max(depth) AS depth FROM v GROUP BY oid) AS w ON w.oid = c.oid ORDER BY w.depth, c.oid]]

local rights_sql = [[SELECT x.privilege_type, '', CASE x.grantee WHEN 0 THEN 'PUBLIC'
      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END, x.is_grantable
    FROM pg_class c, pg_catalog.aclexplode(c.relacl) AS x WHERE c.oid = $1::oid AND x.grantee <> c.relowner
  UNION ALL SELECT x.privilege_type, pg_catalog.quote_ident(a.attname), CASE x.grantee WHEN 0 THEN 'PUBLIC'
      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END, x.is_grantable
    FROM pg_attribute a, pg_catalog.aclexplode(a.attacl) AS x WHERE a.attrelid = $1::oid ORDER BY 1, 2, 3]]

local comments_sql = [[SELECT pg_catalog.quote_ident(a.attname), pg_catalog.col_description(a.attrelid, a.attnum)
  FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0
    AND pg_catalog.col_description(a.attrelid, a.attnum) IS NOT NULL ORDER BY a.attnum]]

local function text(cell)
  return cell ~= native.null and cell or nil
end

local function made_sql(connection, row)
  local oid, name, definition, owner = row[1], row[3], row[4], row[6]
  local options, comment = text(row[5]), text(row[7])
  local out = { ('CREATE VIEW %s%s AS %s'):format(name, options and ' WITH (' .. options .. ')' or '',
    (definition:gsub(';%s*$', ''))) }
  out[#out + 1] = ('ALTER VIEW %s OWNER TO %s'):format(name, owner)
  for _, right in ipairs(connection:query(rights_sql, { oid }).rows) do
    local column = right[2] ~= '' and ' (' .. right[2] .. ')' or ''
    out[#out + 1] = ('GRANT %s%s ON %s TO %s%s'):format(right[1], column, name, right[3],
      right[4] == 't' and ' WITH GRANT OPTION' or '')
  end
  if comment then out[#out + 1] = ('COMMENT ON VIEW %s IS %s'):format(name, sql.literal(comment)) end
  for _, one in ipairs(connection:query(comments_sql, { oid }).rows) do
    out[#out + 1] = ('COMMENT ON COLUMN %s.%s IS %s'):format(name, one[1], sql.literal(one[2]))
  end
  return out
end

local function read(connection, oid, column)
  local list = {}
  for i, row in ipairs(connection:query(over_sql, { oid, column }).rows) do
    if row[2] ~= 'v' or row[8] == 't' then
      local own = 'it has triggers, rules, defaults or functions of its own: '
      config.raise(('the %sview %s depends on the column %s'):format(row[2] == 'm' and 'materialized ' or '', row[3],
        column), (row[2] == 'v' and own or '') .. 'drop it first, and make it anew afterwards')
    end
    list[i] = { name = row[3], made = made_sql(connection, row) }
  end
  return list
end

--- Does work without a search_path, so that definitions name every schema, whoever asks.
---@param connection lugger.migrate.connection
---@param work fun(): any
---@return any
function views.without_path(connection, work)
  local within = connection:in_transaction()
  if within then connection:query 'SAVEPOINT lugger_views' else connection:begin() end
  local result ---@type any
  local ok, err = pcall(function()
    connection:query "SET LOCAL search_path = ''"
    result = work()
  end)
  if not within then
    connection:rollback()
  elseif connection:alive() then
    connection:query 'ROLLBACK TO SAVEPOINT lugger_views; RELEASE SAVEPOINT lugger_views'
  end
  if not ok then error(err, 0) end
  return result
end

---@class lugger.column_view
---@field name string SQL, with its schema
---@field made string[] the statements that make it

--- The views over a column, each behind those that it is made of; raises for one that cannot be made again.
---@param connection lugger.migrate.connection
---@param oid string of the table
---@param column string
---@return lugger.column_view[]
function views.over(connection, oid, column)
  return views.without_path(connection, function() return read(connection, oid, column) end)
end

--- Makes them again.
---@param db lugger.migration_db
---@param list lugger.column_view[]
function views.make(db, list)
  for _, view in ipairs(list) do
    for _, statement in ipairs(view.made) do db:exec(statement) end
  end
end

return views
