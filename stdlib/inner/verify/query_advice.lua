-- Explains a query's plan: one line for each node, and the index that would help.
local sql_text = require 'lugger.inner.sql.text'

local query_advice = {}

local large_rows = 10000 -- for smaller tables, a sequential scan is right

local function text(node, key)
  local value = node[key]
  return value ~= nil and tostring(value) or nil
end

local function walk(node, visit, depth, parent)
  visit(node, depth, parent)
  if node.Plans then
    for _, child in node.Plans:fields() do walk(child, visit, depth + 1, node) end
  end
end

--- The nodes of a plan, a line each, indented.
---@param plan lugger.doc the "Plan" of EXPLAIN (FORMAT JSON, VERBOSE)
---@return string[]
function query_advice.nodes(plan)
  local lines = {}
  walk(plan, function(node, depth)
    local parts = { ('  '):rep(depth) .. text(node, 'Node Type') }
    if node['Index Name'] then parts[#parts + 1] = 'by ' .. text(node, 'Index Name') end
    if node['Relation Name'] then parts[#parts + 1] = 'on ' .. text(node, 'Relation Name') end
    parts[#parts + 1] = ('(%s rows)'):format(text(node, 'Actual Rows') or text(node, 'Plan Rows') or '?')
    lines[#lines + 1] = table.concat(parts, ' ')
  end, 0)
  return lines
end

local function columns_of(session, schema, relation)
  local result = session:query('SELECT a.attname, c.reltuples FROM pg_attribute a JOIN pg_class c '
    .. 'ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 '
    .. 'AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped', { schema, relation })
  local names, rows = {}, 0
  for _, row in ipairs(result.rows) do
    names[#names + 1], rows = row[1], tonumber(row[2]) --[[@as integer]]
  end
  return names, rows
end

local function escape(name)
  return (name:gsub('[%^%$%(%)%%%.%[%]%*%+%-%?]', '%%%0'))
end

-- True when a condition contains the column, plain or quoted, as plans print it.
local function mentions(condition, name)
  return condition:find('%f[%w_]' .. escape(name) .. '%f[^%w_]') ~= nil
end

local operators = { { '=', true }, { '<', false }, { '>', false }, { '~~', false } }

-- The columns of a condition, first those compared by =, which is the best order for a btree.
local function wanted(condition, names)
  local equal, others, seen = {}, {}, {}
  -- A field inside jsonb: (rest ->> 'nick'::text)
  for column, key in condition:gmatch("([%w_]+) %->> '([^']*)'::text") do
    local part = ('(%s ->> %s)'):format(sql_text.name(column), sql_text.literal(key))
    seen[column] = true
    equal[#equal + 1] = '(' .. part .. ')'
  end
  for _, name in ipairs(names) do
    if not seen[name] and mentions(condition, name) then
      local by_equality = false
      for _, operator in ipairs(operators) do
        local found = condition:find(escape(name) .. '"?%)?[:%w ]*%)? ' .. escape(operator[1]) .. ' ')
        if found and operator[2] then by_equality = true end
      end
      table.insert(by_equality and equal or others, sql_text.name(name))
    end
  end
  for i, part in ipairs(others) do
    if i == 1 then equal[#equal + 1] = part end
  end
  return equal
end

local function index_on(schema, relation, parts)
  local name = schema == 'public' and relation or schema .. '.' .. relation
  return ('CREATE INDEX CONCURRENTLY ON %s (%s)'):format(sql_text.table(name), table.concat(parts, ', '))
end

local function scan_below(node)
  local found
  walk(node, function(inner)
    if not found and inner['Relation Name'] then found = inner end
  end, 0)
  return found
end

local function bare(key)
  return (key:gsub('^.*%.', ''):gsub('"', ''):gsub(' DESC$', ''):gsub(' NULLS %w+$', ''))
end

local function keys_of(list, names)
  local parts = {}
  for _, key in list:fields() do
    local name, known = bare(key), false
    for _, column in ipairs(names) do known = known or column == name end
    if not known then return nil end
    parts[#parts + 1] = sql_text.name(name) .. (key:find(' DESC', 1, true) and ' DESC' or '')
  end
  return parts
end

local function skip_scan(schema, relation, column)
  local name = sql_text.table(schema == 'public' and relation or schema .. '.' .. relation)
  return ('with that index, this gives the same and reads one row for each value: WITH RECURSIVE s AS ((SELECT %s '
    .. 'FROM %s ORDER BY 1 LIMIT 1) UNION ALL SELECT (SELECT %s FROM %s t WHERE t.%s > s.%s ORDER BY 1 LIMIT 1) '
    .. 'FROM s WHERE s.%s IS NOT NULL) SELECT %s FROM s WHERE %s IS NOT NULL')
    :format(column, name, column, name, column, column, column, column, column)
end

-- DISTINCT: a hash or a sort over the whole table, where MongoDB's distinct reads the index.
local function distinct(session, node, advice)
  local list = node['Group Key'] or (node.Plans and node.Plans[1]['Sort Key'])
  local scan = list and scan_below(node)
  if not scan then return end
  local schema, relation = text(scan, 'Schema') or 'public', text(scan, 'Relation Name')
  local names, rows = columns_of(session, schema, relation)
  local parts = keys_of(list, names)
  if not parts or rows < large_rows then return end
  advice[#advice + 1] = ('DISTINCT reads all of %s: %s'):format(relation, index_on(schema, relation, parts))
  if #parts == 1 then advice[#advice + 1] = skip_scan(schema, relation, parts[1]) end
end

local function seq_scan(session, node, advice)
  local schema, relation = text(node, 'Schema') or 'public', text(node, 'Relation Name')
  local names, rows = columns_of(session, schema, relation)
  local parts = wanted(text(node, 'Filter'), names)
  if rows < large_rows or #parts == 0 then return end
  advice[#advice + 1] = ('all of %s is read for %s: %s'):format(relation, text(node, 'Filter'),
    index_on(schema, relation, parts))
end

local function sort(session, node, advice)
  local scan = scan_below(node)
  if not scan then return end
  local schema, relation = text(scan, 'Schema') or 'public', text(scan, 'Relation Name')
  local names, rows = columns_of(session, schema, relation)
  local parts = keys_of(node['Sort Key'], names)
  if rows < large_rows or not parts then return end
  advice[#advice + 1] = ('%s is sorted: %s'):format(relation, index_on(schema, relation, parts))
end

local function is_distinct(node, sql)
  local kind = text(node, 'Node Type')
  if kind == 'Unique' then return true end
  return kind == 'Aggregate' and node['Group Key'] ~= nil and sql:lower():find('select%s+distinct') ~= nil
end

--- Indexes and rewritten queries that would help, one sentence each; none for small tables.
---@param session lugger.native.pg
---@param plan lugger.doc
---@param sql string
---@return string[]
function query_advice.advise(session, plan, sql)
  local advice, limited, told = {}, false, false
  walk(plan, function(node, _, parent)
    local kind = text(node, 'Node Type')
    if kind == 'Limit' then limited = true end
    if is_distinct(node, sql) and not told then
      told = true
      distinct(session, node, advice)
    elseif kind == 'Seq Scan' and node.Filter then
      seq_scan(session, node, advice)
    elseif kind == 'Sort' and limited and not (parent and is_distinct(parent, sql)) then
      sort(session, node, advice)
    end
  end, 0)
  return advice
end

return query_advice
