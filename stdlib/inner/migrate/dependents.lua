-- The objects that depend on a column, according to the catalog.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local sql = native.sql
local concat = table.concat

local dependents = {}

local found_sql = [[SELECT DISTINCT d.classid::regclass::text AS class, d.deptype::text AS how,
    pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) AS text,
    CASE d.classid WHEN 'pg_constraint'::regclass THEN (SELECT c.conrelid = pg_catalog.to_regclass($1)
      AND c.contype <> 'f'
        OR c.contype = 'f' AND c.conrelid = pg_catalog.to_regclass($1) FROM pg_constraint c WHERE c.oid = d.objid)
      WHEN 'pg_attrdef'::regclass THEN (SELECT f.adrelid = pg_catalog.to_regclass($1) AND f.adnum = d.refobjsubid
        FROM pg_attrdef f
        WHERE f.oid = d.objid)
      WHEN 'pg_class'::regclass THEN (SELECT c.relkind = 'i' OR c.relkind = 'I' OR c.relkind = 'S' FROM pg_class c
        WHERE c.oid = d.objid)
      ELSE false END AS own
  FROM pg_depend d
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = pg_catalog.to_regclass($1)
    AND d.refobjsubid = (SELECT attnum FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2
      AND NOT attisdropped)
    -- From version 18 on NOT NULL is a constraint too; it says nothing of use.
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE d.classid = 'pg_constraint'::regclass AND c.oid = d.objid
      AND c.contype = 'n')
  ORDER BY 3]]

local grants = [[SELECT 'grant of ' || pg_catalog.string_agg(privilege_type, ', ' ORDER BY privilege_type) || ' to '
    || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END AS text
  FROM pg_attribute a, pg_catalog.aclexplode(a.attacl) WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2
  GROUP BY grantee]]

local kinds = { pg_rewrite = 'view', pg_attrdef = 'default', pg_constraint = 'constraint', pg_class = 'index',
  pg_trigger = 'trigger', pg_policy = 'policy', pg_proc = 'function', pg_publication_rel = 'publication',
  pg_statistic_ext = 'statistics' }

--- Raises unless the column exists.
---@param db lugger.migration_db
---@param table string
---@param column string
function dependents.check(db, table, column)
  local there = db:value([[SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1)
    AND attname = $2 AND NOT attisdropped)]], sql.table(table), column)
  if not there then config.raise(('there is no column %s in table %s'):format(column, table)) end
end

--- What depends on a column.
---@param db lugger.migration_db
---@param table string
---@param column string
---@return { kind: string, text: string, own: boolean, returns: boolean? }[] returns: a view, by what it selects
function dependents.of(db, table, column)
  dependents.check(db, table, column)
  local list, seen = {}, {}
  for _, row in ipairs(db:query(found_sql, sql.table(table), column)) do
    -- A table's own partitions, and objects that are part of an index, are listed as what they belong to.
    local text, returns = row.text:gsub('^rule _RETURN on ', '')
    if not seen[text] then
      seen[text] = true
      list[#list + 1] = { kind = kinds[row.class] or row.class, text = text, own = row.own,
        returns = returns > 0 or nil }
    end
  end
  for _, row in ipairs(db:query(grants, sql.table(table), column)) do
    list[#list + 1] = { kind = 'grant', text = row.text, own = true }
  end
  return list
end

--- Raises when something depends on a column, and lists all of it.
---@param db lugger.migration_db
---@param table string
---@param column string
---@param with_own boolean|nil what goes with the column and harms nothing else is fine
function dependents.refuse(db, table, column, with_own)
  local lines, others = {}, false
  for _, one in ipairs(dependents.of(db, table, column)) do
    if not (with_own and one.own) then
      lines[#lines + 1] = '\n  ' .. one.text
      others = others or not one.own
    end
  end
  if #lines == 0 then return end
  config.raise(('%s.%s is not dropped; on it depend:%s'):format(table, column, concat(lines)),
    others and 'drop or change these first, and make them anew afterwards where they are still needed'
      or 'with_own = true drops them with the column')
end

return dependents
