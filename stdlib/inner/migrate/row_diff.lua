-- What a transaction changed in the rows of each table: counts, and samples before and after. It is read before the
-- rollback, and completed after it, when nothing is locked any more.
local native = require 'lugger.native'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local row_diff = {}

local sample_rows = 5
local counted_rows = 1000000 -- larger tables are not counted
local compared_rows = 20000 -- in larger tables, deleted rows are not searched

local touched = [[SELECT s.relid::regclass::text, s.n_tup_ins, s.n_tup_upd, s.n_tup_del,
    greatest(c.reltuples, 0)::bigint,
    (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.place)
     FROM pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(number, place), pg_attribute a
     WHERE i.indrelid = s.relid AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.number), s.relid
  FROM pg_stat_xact_user_tables s JOIN pg_class c ON c.oid = s.relid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 AND n.nspname <> $1 ORDER BY 1]]

local function named_rows(result)
  local list = {}
  for i, row in ipairs(result.rows) do
    list[i] = {}
    for column, name in ipairs(result.names) do list[i][name] = row[column] end
  end
  return list
end

local function count(connection, one)
  if one.estimate > counted_rows then return nil end
  return tonumber(connection:query('SELECT pg_catalog.count(*) FROM ' .. one.name).rows[1][1])
end

local function look_within(connection, one)
  one.after_count = count(connection, one)
  local key = one.key and ('ROW(%s)::text AS "lugger key", '):format(one.key) or ''
  local found = connection:query(('SELECT %s* FROM %s WHERE xmin = '
    .. 'pg_catalog.pg_current_xact_id()::xid LIMIT %d'):format(key,
    one.name,
    sample_rows))
  one.names, one.after = found.names, named_rows(found)
  if one.deleted > 0 and one.key and one.after_count and one.after_count <= compared_rows then
    one.kept = {}
    for i, row in ipairs(connection:query(('SELECT ROW(%s)::text FROM %s'):format(one.key, one.name)).rows) do
      one.kept[i] = row[1]
    end
  end
end

--- Reads what the open transaction has changed.
---@param connection lugger.migrate.connection
---@param own_schema string
---@return table[]
function row_diff.within(connection, own_schema)
  local list = {}
  for i, row in ipairs(connection:query(touched, { own_schema }).rows) do
    local one = { name = row[1], inserted = tonumber(row[2]), updated = tonumber(row[3]), deleted = tonumber(row[4]),
      estimate = tonumber(row[5]), key = row[6] ~= native.null and row[6] or nil, id = row[7] }
    look_within(connection, one)
    list[i] = one
  end
  return list
end

local function array(texts)
  local parts = {}
  for i, text in ipairs(texts) do parts[i] = '"' .. text:gsub('[\\"]', '\\%0') .. '"' end
  return '{' .. table.concat(parts, ',') .. '}'
end

local function look_behind(connection, one)
  -- By OID: the table may have had another name before, or may not have existed.
  local found = connection:query('SELECT oid::regclass::text FROM pg_class WHERE oid = $1::oid',
    { one.id }).rows[1]
  if not found then return end
  one.old_name = found[1]
  if one.estimate <= counted_rows then
    one.before_count = tonumber(connection:query('SELECT pg_catalog.count(*) FROM ' .. one.old_name).rows[1][1])
  end
  if not one.key then return end
  local keys = {}
  for i, row in ipairs(one.after) do keys[i] = row['lugger key'] end
  local select = ('SELECT ROW(%s)::text AS "lugger key", * FROM %s WHERE '):format(one.key, one.old_name)
  local function ask(condition, texts)
    local ok, result = pcall(connection.query, connection, select .. condition, { array(texts) })
    return ok and named_rows(result) or {}
  end
  one.before = {}
  for _, row in ipairs(ask(('ROW(%s)::text = ANY ($1)'):format(one.key),
    keys)) do one.before[row['lugger key']] = row end
  if one.kept then
    one.gone = ask(('NOT ROW(%s)::text = ANY ($1) LIMIT %d'):format(one.key, sample_rows), one.kept)
  end
end

--- Completes the diff with the old values, after the transaction was rolled back.
---@param connection lugger.migrate.connection
---@param list table[]
function row_diff.behind(connection, list)
  for _, one in ipairs(list) do look_behind(connection, one) end
end

local function text(value)
  if value == nil or value == native.null then return 'NULL' end
  return table_view.cut(terminal.printable(value), 40)
end

local function whole(names, row)
  local parts = {}
  for _, name in ipairs(names) do
    if name ~= 'lugger key' then parts[#parts + 1] = name .. ' = ' .. text(row[name]) end
  end
  return table.concat(parts, ', ')
end

local function changed(names, old, new)
  local parts = {}
  for _, name in ipairs(names) do
    if name ~= 'lugger key' and old[name] ~= new[name] then
      parts[#parts + 1] = old[name] == nil and ('%s: %s (new column)'):format(name, text(new[name]))
        or ('%s: %s -> %s'):format(name, text(old[name]), text(new[name]))
    end
  end
  return table.concat(parts, ', ')
end

local function counts(one)
  local parts = {}
  for _, word in ipairs { 'inserted', 'updated', 'deleted' } do
    if one[word] > 0 then parts[#parts + 1] = terminal.group(one[word]) .. ' ' .. word end
  end
  local before = one.old_name and (one.before_count and terminal.group(one.before_count) or 'many') or 'no table'
  return ('  %s: %s; rows: %s before, %s after'):format(one.name, table.concat(parts, ', '), before,
    one.after_count and terminal.group(one.after_count) or 'many')
end

--- The diff as lines.
---@param list table[]
---@return string[]
function row_diff.lines(list)
  local lines = {}
  for _, one in ipairs(list) do
    lines[#lines + 1] = counts(one)
    for _, row in ipairs(one.after) do
      local key = row['lugger key']
      local old = key and one.before and one.before[key]
      lines[#lines + 1] = old and ('    ~ %s: %s'):format(key, changed(one.names, old, row))
        or '    + ' .. whole(one.names, row)
    end
    for _, row in ipairs(one.gone or {}) do lines[#lines + 1] = '    - ' .. whole(one.names, row) end
    local shown = #one.after + #(one.gone or {})
    local all = one.inserted + one.updated + one.deleted
    if shown < all then lines[#lines + 1] = ('    ... %s more'):format(terminal.group(all - shown)) end
  end
  return lines
end

return row_diff
