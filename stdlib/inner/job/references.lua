-- References between collections: what the columns of a script refer to, whether those rows exist, and what still needs
-- mongo_id.
local native = require 'lugger.native'
local sql_text = require 'lugger.inner.sql.text'

local references = {}

---@class lugger.referring_column: lugger.plan_column
---@field ref lugger.column_ref where it points

---@class lugger.reference
---@field job string
---@field table string
---@field column lugger.referring_column
---@field key string[] columns that identify a row of the table

local function names(table_plan, places)
  local list = {}
  for i, place in ipairs(places) do list[i] = table_plan.columns[place].name end
  return list
end

local function any_ref(columns, children)
  for _, column in ipairs(type(columns) == 'table' and columns or {}) do
    if column.ref then return true end
  end
  for _, child in ipairs(children or {}) do
    if any_ref(child.columns, child.children) then return true end
  end
  return false
end

--- True when a column of the job, or of its children, has a ref.
---@param job lugger.job
---@return boolean
function references.has(job)
  return job.spec ~= nil and any_ref(job.spec.columns, job.spec.children)
end

--- The columns with a ref, of the tables of a job.
---@param job lugger.job
---@return lugger.reference[]
function references.of(job)
  local list = {}
  for _, table_plan in ipairs(job:shape().tables) do
    for _, column in ipairs(table_plan.columns) do
      if column.ref then
        list[#list + 1] = { job = job:name(), table = table_plan.name, column = column,
          key = names(table_plan, table_plan.key) }
      end
    end
  end
  return list
end

-- Why a column cannot match the rows of the job that loads the collection it refers to.
local function mismatch(ref, column, shape)
  local tables = {}
  for i = 1, shape.own_tables do
    local own = shape.tables[i]
    tables[#tables + 1] = own.name
    if own.name == ref.table then
      for _, stored in ipairs(own.columns) do
        if stored.name == ref.column then
          if column.type:find('^uuid') then
            return stored.generate ~= 'v5'
              and ("%s.%s is not made with generate = 'v5', so no computed id will meet it"):format(own.name,
                stored.name) or nil
          end
          return not stored.id_text_column
            and ('%s.%s does not hold the _id as text'):format(own.name, stored.name) or nil
        end
      end
      return ('%s has no column %s'):format(own.name, ref.column)
    end
  end
  return ('%s goes to the table %s; say so: ref = { collection = "%s", table = "%s" }'):format(ref.collection,
    table.concat(tables, ', '), ref.collection, tables[1])
end

--- Mismatches between the jobs of one script: lists of warnings by the name of the job.
---@param jobs table[]
---@return table<string, string[]>
function references.warnings(jobs)
  local warnings = {}
  local referring = {}
  for _, job in ipairs(jobs) do
    if references.has(job) then referring[#referring + 1] = job end
  end
  if #referring == 0 then return warnings end
  local shapes = {}
  for _, job in ipairs(jobs) do
    if job.shape then shapes[#shapes + 1] = job:shape() end
  end
  for _, job in ipairs(referring) do
    local found = {}
    for _, reference in ipairs(references.of(job)) do
      local ref = reference.column.ref
      for _, shape in ipairs(shapes) do
        if shape.database == ref.database and shape.collection == ref.collection then
          local problem = mismatch(ref, reference.column, shape)
          if problem then
            found[#found + 1] = ('%s.%s refers to %s, but %s'):format(reference.table, reference.column.name,
              ref.collection, problem)
          end
        end
      end
    end
    warnings[job:name()] = found
  end
  return warnings
end

local function exists(session, name)
  return session:query('SELECT pg_catalog.to_regclass($1) IS NOT NULL', { sql_text.table(name) }).rows[1][1] == 't'
end

-- "FROM posts t" and the expression of the value; elements of an array become rows.
local function from_clause(reference)
  local column = 't.' .. sql_text.name(reference.column.name)
  local from = sql_text.table(reference.table) .. ' t'
  if not reference.column.type:find('%[%]$') then return from, column end
  return ('%s, pg_catalog.unnest(%s) AS element(value)'):format(from, column), 'element.value'
end

---@class lugger.reference_tally
---@field values integer that are not NULL
---@field dangling integer without a row in the other table
---@field examples { key: string, value: string }[]
---@field problem string|nil why it could not be counted

--- Counts a column's values in the database, and those without a matching row.
---@param session lugger.native.pg
---@param reference lugger.reference
---@param examples integer how many to give
---@return lugger.reference_tally
function references.count(session, reference, examples)
  local ref = reference.column.ref
  for _, name in ipairs { reference.table, ref.table } do
    if not exists(session, name) then
      return { values = 0, dangling = 0, examples = {}, problem = ('table %s does not exist'):format(name) }
    end
  end
  local from, value = from_clause(reference)
  local dangling = ('FROM %s WHERE %s IS NOT NULL AND NOT EXISTS (SELECT FROM %s r WHERE r.%s = %s)'):format(from,
    value, sql_text.table(ref.table), sql_text.name(ref.column), value)
  ---@type boolean, any
  local ok, result = pcall(function()
    return session:query(('SELECT (SELECT pg_catalog.count(%s) FROM %s), '
      .. '(SELECT pg_catalog.count(*) %s)'):format(value, from,
      dangling))
  end)
  if not ok then return { values = 0, dangling = 0, examples = {}, problem = tostring(result.message) } end
  ---@type lugger.reference_tally
  local count = { values = tonumber(result.rows[1][1]) --[[@as integer]],
    dangling = tonumber(result.rows[1][2]) --[[@as integer]], examples = {} }
  if count.dangling == 0 then return count end
  local key = {}
  for i, name in ipairs(reference.key) do key[i] = ('t.%s::text'):format(sql_text.name(name)) end
  if #key == 0 then key[1] = 't.ctid::text' end
  local rows = session:query(("SELECT pg_catalog.concat_ws(', ', %s), %s::text %s "
    .. "LIMIT %d"):format(table.concat(key, ', '),
    value,
    dangling, examples)).rows
  for i, row in ipairs(rows) do count.examples[i] = { key = row[1], value = row[2] } end
  return count
end

---@class lugger.id_holder
---@field table string
---@field column string
---@field is_key boolean
---@field exists boolean|nil whether the database has it; this and the rest when it was asked
---@field uses lugger.id_use[]|nil
---@field blocking integer|nil uses that keep it from being dropped
---@field scans integer|nil

--- The tables of a job that hold an _id as text, and in which column.
---@param job lugger.job
---@return lugger.id_holder[]
function references.id_columns(job)
  local list, shape = {}, job:shape() ---@type table[], lugger.job_shape
  for i = 1, shape.own_tables do
    local own = shape.tables[i] ---@cast own -nil
    for place, column in ipairs(own.columns) do
      if column.id_text_column then
        local is_key = false
        for _, part in ipairs(own.key) do is_key = is_key or part == place end
        list[#list + 1] = { table = own.name, column = column.name, is_key = is_key }
      end
    end
  end
  return list
end

-- Everything in the catalog that depends on the column. What DROP COLUMN removes without harm to other objects (the
-- column's own unique constraint or index, its default) is marked.
local dependents = [[
SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid),
  CASE
    WHEN d.classid = 'pg_constraint'::regclass THEN (SELECT CASE
      WHEN c.contype = 'f' AND c.confrelid = d.refobjid THEN 'foreign key'
      WHEN c.contype IN ('u', 'p') AND pg_catalog.cardinality(c.conkey) = 1 THEN 'own'
      ELSE 'constraint' END FROM pg_constraint c WHERE c.oid = d.objid)
    WHEN d.classid = 'pg_rewrite'::regclass THEN 'view'
    WHEN d.classid = 'pg_attrdef'::regclass THEN (SELECT CASE WHEN a.adnum = d.refobjsubid AND a.adrelid = d.refobjid
      THEN 'own' ELSE 'default' END FROM pg_attrdef a WHERE a.oid = d.objid)
    WHEN d.classid = 'pg_class'::regclass THEN (SELECT CASE WHEN c.relkind IN ('i', 'I') THEN
      (SELECT CASE WHEN i.indnatts = 1 AND i.indexprs IS NULL AND i.indpred IS NULL THEN 'own' ELSE 'index' END
       FROM pg_index i WHERE i.indexrelid = c.oid) ELSE 'object' END FROM pg_class c WHERE c.oid = d.objid)
    ELSE 'object'
  END AS kind,
  CASE WHEN d.classid = 'pg_rewrite'::regclass THEN (SELECT r.ev_class::regclass::text FROM pg_rewrite r
    WHERE r.oid = d.objid) ELSE '' END
FROM (SELECT DISTINCT classid, objid, objsubid, refobjid, refobjsubid FROM pg_depend
  WHERE refclassid = 'pg_class'::regclass AND refobjid = pg_catalog.to_regclass($1) AND deptype <> 'i'
    AND refobjsubid = (SELECT attnum FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2)) d
ORDER BY 2, 1]]

local mentions = [[
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', $2) AND p.prosrc ~ ('\m' || $1 || '\M')
ORDER BY 1]]

local function pattern(name)
  return (name:gsub('[^%w_]', '\\%0'))
end

---@class lugger.id_use
---@field blocks boolean|nil it keeps the column from being dropped
---@field kind string "reference", "foreign key", "view", "index", "constraint", "default", "object", "mention", "own"
---@field text string

--- What uses a column that holds the _id as text: columns of the script that refer to it, objects of the database that
--- depend on it, functions that mention it. Objects of kind "own" are dropped with the column.
---@param session lugger.native.pg
---@param holder { table: string, column: string }
---@param all lugger.reference[] of the script
---@param state_schema string|nil
---@return lugger.id_use[]
function references.uses(session, holder, all, state_schema)
  local list = {}
  for _, reference in ipairs(all) do
    local ref = reference.column.ref
    if ref.table == holder.table and ref.column == holder.column then
      list[#list + 1] = { kind = 'reference', text = ('%s.%s of job %s'):format(reference.table, reference.column.name,
        reference.job) }
    end
  end
  for _, row in ipairs(session:query(dependents, { sql_text.table(holder.table), holder.column }).rows) do
    list[#list + 1] = { kind = row[2], text = row[2] == 'view' and row[3] or row[1] }
  end
  for _, row in ipairs(session:query(mentions, { pattern(holder.column), state_schema or 'lugger' }).rows) do
    list[#list + 1] = { kind = 'mention', text = row[1] }
  end
  return list
end

--- How often queries have used the indexes of that column alone since statistics were last reset.
---@param session lugger.native.pg
---@param holder { table: string, column: string }
---@return integer
function references.scans(session, holder)
  local found = session:query([[SELECT coalesce(pg_catalog.sum(s.idx_scan), 0) FROM pg_stat_user_indexes s
    JOIN pg_index i ON i.indexrelid = s.indexrelid WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indnatts = 1
    AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2)]],
    { sql_text.table(holder.table), holder.column })
  return tonumber(found.rows[1][1]) --[[@as integer]]
end

--- A session with the target of a job; nil when it is not a database.
---@param job lugger.job
---@return lugger.native.pg|nil
function references.session(job)
  local place = job:target()
  if not native.place_kind(place).sql then return nil end
  return native.pg(require('lugger.inner.cli.places').existing(place), 'refs', 'detect')
end

return references
