-- One change of a column's type: its names, its expressions, and the triggers that keep the two columns in step.
local batches = require 'lugger.inner.migrate.batches'
local config = require 'lugger.inner.cli.config'
local json = require 'lugger.inner.base.json_text'
local names = require 'lugger.inner.column.names'
local native = require 'lugger.native'
local notes = require 'lugger.inner.column.notes'
local types = require 'lugger.inner.column.types'
local guard = require 'lugger.inner.column.unchanged'
local sql = native.sql
local concat = table.concat

local job = {}

---@class lugger.column_job
---@field table string its schema and its name
---@field quoted string the same as SQL
---@field column string
---@field type string as it was asked for
---@field found table what the catalog said before the first step
---@field key string[]
---@field using string|nil the new value in SQL, where a cast is not enough
---@field back string|nil the old value in SQL, where a cast is not enough
---@field published string[]|nil publications that somebody has seen to
---@field options { batch_rows: integer?, pause_ms: integer?, throttle: table? }
---@field shadow string the column that is filled
---@field old string what the old column is called behind the swap
---@field refused string SQL: the table of rows whose value was refused
---@field to_new lugger.column_way
---@field to_old lugger.column_way
---@field entry string|nil of the ledger
local object = {}
local object_meta = { __index = object }

--- The value of the new type, made of the column of this name.
---@param name string
---@return string SQL
function object:forth(name)
  if self.using then return '(' .. (name == self.column and self.using or names.replaced(self.using, self.column, name))
    .. ')' end
  return '(' .. types.cast(self.found.from, self.found.to, sql.name(name)) .. ')'
end

--- Whether nobody has said how an old value is made of a new one: a cast would be a guess.
---@return boolean
function object:is_one_way()
  return self.using ~= nil and self.back == nil
end

--- The value of the old type, made of the column with the new one.
---@return string SQL
function object:reverse()
  if self.back then return '(' .. self.back .. ')' end
  return '(' .. types.cast(self.found.to, self.found.from, sql.name(self.column)) .. ')'
end

---@class lugger.column_way
---@field hidden string the column that takes the place of the other
---@field suffix string of the names of its indexes and constraints until then
---@field trigger string
---@field call string SQL: the trigger's function
---@field not_null string the CHECK that proves it
---@field forth boolean

local function way(self, hidden, suffix, forth)
  local trigger = '~' .. hidden .. '_sync' -- triggers fire in alphabetical order
  return { hidden = hidden, suffix = suffix, trigger = trigger, not_null = hidden .. '_not_null', forth = forth,
    call = self.found.schema .. '.' .. sql.name(self.found.bare .. '_' .. trigger) }
end

--- A change, from what is kept of it.
---@param kept table
---@return lugger.column_job
function job.of(kept)
  local self = setmetatable({}, object_meta) ---@type lugger.column_job
  for key, value in pairs(kept) do self[key] = value end
  local found = self.found
  for _, name in ipairs { 'indexes', 'constraints', 'grants', 'views' } do found[name] = found[name] or {} end
  self.options = self.options or {}
  self.table = found.namespace .. '.' .. found.bare
  self.quoted = found.schema .. '.' .. sql.name(found.bare)
  self.shadow, self.old = self.column .. '__new', self.column .. '__old'
  self.refused = found.schema .. '.' .. sql.name(found.bare .. '_' .. self.shadow .. '_refused')
  self.to_new, self.to_old = way(self, self.shadow, '__new', true), way(self, self.old, '__old', false)
  return self
end

--- What is kept of it, as JSON.
---@return string
function object:kept()
  return json.encode { column = self.column, type = self.type, found = self.found, key = json.list(self.key),
    using = self.using, back = self.back, options = self.options,
    published = self.published and json.list(self.published) }
end

--- Raises when a name that the change makes would be cut.
function object:refuse_long_names()
  local bare = self.found.bare
  local made = { self.to_new.not_null, bare .. '_' .. self.to_new.trigger, bare .. '_' .. self.shadow .. '_refused' }
  for _, list in ipairs { self.found.indexes, self.found.constraints } do
    for _, one in ipairs(list) do made[#made + 1] = one.name .. '__new' end
  end
  for _, name in ipairs(made) do
    if #name > 63 then config.raise(('%s is longer than the 63 bytes of a name'):format(name), 'rename it first') end
  end
end

--- A new change of a column of a table.
---@param db lugger.migration_db
---@param found table
---@param column string
---@param type string
---@param options table
---@return lugger.column_job
function job.new(db, found, column, type, options)
  local key = options.key
  local self = job.of { column = column, type = type, found = found, using = options.using, back = options.back,
    options = { batch_rows = options.batch_rows, pause_ms = options.pause_ms, throttle = options.throttle },
    key = key and (_G.type(key) == 'table' and key or { key }) or nil }
  self.key = self.key or batches.primary_key(db.connection, self.table)
  self:refuse_long_names()
  guard.begin(db.connection, self)
  return self
end

-- Those that decide how a key is written as text.
---@type table<string, boolean|nil>
local of_keys = { DateStyle = true, IntervalStyle = true, extra_float_digits = true }

--- The settings that every conversion of this change has, whichever session writes.
---@param form string of one: name, value
---@return string
function object:fixed(form)
  local found, out = self.found, {}
  local all = self.using or self.back or found.from.family == 'plain' or found.to.family == 'plain'
  for _, one in ipairs(found.settings or {}) do
    if all or of_keys[one.name] then out[#out + 1] = form:format(one.name, sql.literal(one.value)) end
  end
  return concat(out)
end

-- The application's writes must not fail: a value that cannot be converted leaves NULL and a note of its row, which is
-- rolled back with the write. SECURITY DEFINER: whoever may write to the table need not know of the notes.
local body = [[

#variable_conflict use_column
BEGIN%s
  BEGIN
    SELECT %s INTO NEW.%s FROM (SELECT NEW.*) AS "row";
  EXCEPTION WHEN OTHERS THEN
    NEW.%s := NULL;
    INSERT INTO %s ("key", error) SELECT %s, SQLERRM FROM (SELECT NEW.*) AS "row";
  END;
  RETURN NEW;
END ]]

-- A value that the write leaves as it is keeps what the old column had, which may be finer than what the new one has,
-- or NULL. One that was refused is tried again.
local unchanged = [[

  IF TG_OP = 'UPDATE' THEN
    IF %s IS NOT DISTINCT FROM %s AND (NEW.%s IS NOT NULL OR NEW.%s IS NULL
      OR NOT EXISTS (SELECT FROM %s WHERE "key" = %s)) THEN
      RETURN NEW;
    END IF;
  END IF;]]

--- The statements that keep the hidden column in step with the one in use.
---@param to lugger.column_way
---@return string[]
function object:follow_sql(to)
  local hidden, live, found = sql.name(to.hidden), sql.name(self.column), self.found
  local before = to.forth and '' or unchanged:format(types.image(found.to, 'NEW.' .. live),
    types.image(found.to, 'OLD.' .. live), hidden, live, self.refused, notes.key_sql(self, 'OLD'))
  local value = to.forth and self:forth(self.column) or self:reverse()
  local own = to.forth and self.using or not to.forth and self.back
  local text = body:format(before, value, hidden, hidden, self.refused, notes.key_sql(self, '"row"'))
  return {
    ('CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path %s%s AS %s'):format(
      to.call, own and 'FROM CURRENT' or '= pg_catalog, pg_temp', self:fixed ' SET %s = %s', sql.literal(text)),
    ('CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s()'):format(sql.name(to.trigger),
      self.quoted, to.call),
    -- Also for what a subscription writes.
    ('ALTER TABLE %s ENABLE ALWAYS TRIGGER %s'):format(self.quoted, sql.name(to.trigger)),
  }
end

--- The statements that end that.
---@param to lugger.column_way
---@return string[]
function object:leave_sql(to)
  return { ('DROP TRIGGER IF EXISTS %s ON %s'):format(sql.name(to.trigger), self.quoted),
    ('DROP FUNCTION IF EXISTS %s()'):format(to.call) }
end

--- Writes a new change into the ledger.
---@param ledger lugger.migrate.ledger
---@param phase string
function object:record(ledger, phase)
  self.entry = ledger:query(([[INSERT INTO %s.column_changes ("table", "column", type, phase, spec, changed_by,
      lugger_version) VALUES ($1, $2, $3, $4, $5, session_user, $6) RETURNING entry]]):format(ledger.schema),
    { self.quoted, self.column, self.type, phase, self:kept(), native.version }).rows[1][1]
end

--- Writes what is done into the ledger, in the open transaction. A rehearsal has none.
---@param db lugger.migration_db
---@param phase string
function object:mark(db, phase)
  local ex = db.executor
  if not ex.known then return end
  local ledger = ex.run.ledger
  if phase == 'add' and not self.entry then return self:record(ledger, phase) end
  ledger:query(([[UPDATE %s.column_changes SET phase = $3, phase_at = pg_catalog.clock_timestamp(),
      finished_at = CASE WHEN $4 = 'yes' THEN pg_catalog.clock_timestamp() END
    WHERE "table" = $1 AND "column" = $2 AND finished_at IS NULL]]):format(ledger.schema),
    { self.quoted, self.column, phase, (phase == 'drop' or phase == 'back') and 'yes' or 'no' })
end

---@class lugger.column_change a row of the ledger
---@field entry string
---@field phase string the last step that is done; "begun"
---@field type string
---@field spec string
---@field since string

--- How the last change of a column ended, "drop" or "back"; nil where there was none.
---@param ledger lugger.migrate.ledger
---@param quoted string the table, with its schema
---@param column string
---@return string|nil
function job.ended(ledger, quoted, column)
  local there = ledger:query('SELECT pg_catalog.to_regclass($1) IS NOT NULL', { ledger.schema .. '.column_changes' })
  if there.rows[1][1] ~= 't' then return nil end
  local row = ledger:query(([[SELECT phase FROM %s.column_changes WHERE "table" = $1 AND "column" = $2
    AND finished_at IS NOT NULL ORDER BY entry DESC LIMIT 1]]):format(ledger.schema), { quoted, column }).rows[1]
  return row and row[1] or nil
end

--- The change of a column that is under way, or nil.
---@param ledger lugger.migrate.ledger
---@param quoted string the table, with its schema
---@param column string
---@return lugger.column_change|nil
function job.open(ledger, quoted, column)
  local there = ledger:query('SELECT pg_catalog.to_regclass($1) IS NOT NULL', { ledger.schema .. '.column_changes' })
  if there.rows[1][1] ~= 't' then return nil end
  local row = ledger:query(([[SELECT entry, phase, type, spec,
      pg_catalog.to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
    FROM %s.column_changes WHERE "table" = $1 AND "column" = $2 AND finished_at IS NULL]]):format(ledger.schema),
    { quoted, column }).rows[1]
  return row and { entry = row[1], phase = row[2], type = row[3], spec = row[4], since = row[5] } or nil
end

--- Raises while another change of the column is under way.
---@param db lugger.migration_db
function object:refuse_open(db)
  local ex = db.executor
  local open = ex.known and job.open(ex.run.ledger, self.quoted, self.column)
  if not open then return end
  config.raise(('%s.%s is being changed to %s since %s UTC (done: %s)'):format(self.table, self.column, open.type,
    open.since, open.phase), ('lugger vector change-type %s.%s shows what comes next; --step back gives it up'):format(
    self.table, self.column))
end

return job
