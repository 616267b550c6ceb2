-- The schema as lines of text, for comparison: tables, columns, indexes, constraints, views, types, triggers,
-- functions.
local catalog = {}

local sql = [[
WITH spaces AS (
  SELECT oid, nspname FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> $1
), extension AS (SELECT objid FROM pg_depend WHERE deptype = 'e')
SELECT 'table ' || c.oid::regclass, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
    WHEN 'f' THEN 'foreign table' ELSE 'table' END
FROM pg_class c JOIN spaces ON spaces.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.oid NOT IN (SELECT objid FROM extension)
UNION ALL
SELECT 'column ' || c.oid::regclass || '.' || pg_catalog.quote_ident(a.attname),
  pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
  || CASE WHEN a.attidentity <> '' THEN ' IDENTITY' WHEN a.attgenerated <> '' THEN ' GENERATED ' ||
    pg_catalog.pg_get_expr(d.adbin, d.adrelid)
     WHEN d.adbin IS NOT NULL THEN ' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) ELSE '' END
FROM pg_class c JOIN spaces ON spaces.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'f') AND c.oid NOT IN (SELECT objid FROM extension)
UNION ALL
SELECT 'index ' || i.indexrelid::regclass, pg_catalog.pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN ''
  ELSE
  ' INVALID' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN spaces ON spaces.oid = c.relnamespace
WHERE c.oid NOT IN (SELECT objid FROM extension)
UNION ALL
SELECT 'constraint ' || pg_catalog.quote_ident(k.conname) || ' on ' || coalesce(nullif(k.conrelid, 0)::regclass::text,
  k.contypid::regtype::text),
  pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN spaces ON spaces.oid = k.connamespace WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
SELECT CASE c.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || c.oid::regclass,
  pg_catalog.pg_get_viewdef(c.oid)
FROM pg_class c JOIN spaces ON spaces.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND c.oid NOT IN (SELECT objid FROM extension)
UNION ALL
SELECT 'sequence ' || c.oid::regclass, 'sequence' FROM pg_class c JOIN spaces ON spaces.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.oid NOT IN (SELECT objid FROM extension)
UNION ALL
SELECT 'trigger ' || pg_catalog.quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass,
  pg_catalog.pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN spaces ON spaces.oid = c.relnamespace WHERE NOT
  t.tgisinternal
UNION ALL
SELECT 'function ' || p.oid::regprocedure, pg_catalog.md5(p.prosrc || coalesce(p.probin, '') || p.provolatile::text ||
  pg_catalog.pg_get_function_result(p.oid))
FROM pg_proc p JOIN spaces ON spaces.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p', 'w') AND p.oid NOT IN (SELECT objid FROM extension)
UNION ALL
SELECT 'type ' || t.oid::regtype, (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(enumlabel), ', '
    ORDER BY enumsortorder) FROM pg_enum
  WHERE enumtypid = t.oid)
FROM pg_type t JOIN spaces ON spaces.oid = t.typnamespace WHERE t.typtype = 'e' AND t.oid NOT IN (SELECT objid FROM
  extension)
UNION ALL
SELECT 'type ' || t.oid::regtype, 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod)
FROM pg_type t JOIN spaces ON spaces.oid = t.typnamespace WHERE t.typtype = 'd' AND t.oid NOT IN (SELECT objid FROM
  extension)
UNION ALL
SELECT 'extension ' || pg_catalog.quote_ident(extname), extversion FROM pg_extension
UNION ALL
SELECT 'schema ' || pg_catalog.quote_ident(nspname), 'schema' FROM spaces
]]

--- Every object of the database except lugger's own: its name and its definition.
---@param connection lugger.migrate.connection
---@param own_schema string
---@return table<string, string>
function catalog.read(connection, own_schema)
  local objects = {}
  for _, row in ipairs(connection:query(sql, { own_schema }).rows) do objects[row[1]] = tostring(row[2]) end
  return objects
end

--- The differences of two readings, as lines: "+ added", "- removed", "~ changed: before -> after".
---@param before table<string, string>
---@param after table<string, string>
---@return string[]
function catalog.diff(before, after)
  local names, lines = {}, {}
  for name in pairs(before) do names[name] = true end
  for name in pairs(after) do names[name] = true end
  local sorted = {}
  for name in pairs(names) do
    if before[name] ~= after[name] then sorted[#sorted + 1] = name end
  end
  table.sort(sorted)
  local function defined(name, text)
    local kind = name:match('^%a+')
    if kind == 'table' or kind == 'schema' or kind == 'sequence' or kind == 'function'
      or text == kind then return '' end
    return ': ' .. text:gsub('%s+', ' ')
  end
  for i, name in ipairs(sorted) do
    local old, new = before[name], after[name]
    if not old then
      lines[i] = '+ ' .. name .. defined(name, new)
    elseif not new then
      lines[i] = '- ' .. name .. defined(name, old)
    elseif name:match '^function' then
      lines[i] = '~ ' .. name
    else
      lines[i] = ('~ %s: %s -> %s'):format(name, old:gsub('%s+', ' '), (new:gsub('%s+', ' ')))
    end
  end
  return lines
end

return catalog
