-- Tries a scaffold for existing tables: the scripts load empty copies of the tables, in separate schemas, so that
-- refusals of the server are known and not guessed. The tables themselves are never written.
local config = require 'lugger.inner.cli.config'
local job = require 'lugger.inner.job.job'
local native = require 'lugger.native'
local place_of = require 'lugger.inner.job.place'
local runner = require 'lugger.inner.job.runner'
local script = require 'lugger.inner.script.script'
local sql_text = require 'lugger.inner.sql.text'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): number]]

local trial = {}

local most_reasons = 20 -- for each collection

local defaults_sql = [[
SELECT a.attname FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = pg_catalog.to_regclass($1) AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'
  AND a.attgenerated = '']]

local reasons_sql = [[
SELECT "table", "column", code, pg_catalog.min(message), pg_catalog.count(*),
  (pg_catalog.array_agg(document_id ORDER BY reject))[1:3]::text FROM %s.rejects
GROUP BY 1, 2, 3, pg_catalog.regexp_replace(message, '(?<!constraint )"[^"]*"|=\([^)]*\)', '', 'g')
ORDER BY 5 DESC, 1, 2 LIMIT %d]]

local function names_of(made, out)
  out[#out + 1] = made.table
  for _, child in ipairs(made.children) do names_of(child, out) end
  return out
end

-- A copy of everything except foreign keys and triggers; it has its own sequences.
local function copy_table(self, name)
  local bare = name:match('^[^.]*%.(.*)$') or name
  while self.taken[bare] do bare = bare .. '_' end
  self.taken[bare] = true
  local copy = self.schema .. '.' .. bare
  local quoted = sql_text.table(copy)
  self.session:query(('CREATE UNLOGGED TABLE %s (LIKE %s INCLUDING ALL)'):format(quoted, sql_text.table(name)))
  for i, row in ipairs(self.session:query(defaults_sql, { quoted }).rows) do
    local sequence = sql_text.table(('%s.%s'):format(self.schema, native.sql.fitted_name(bare, ('_seq_%d'):format(i))))
    self.session:query('CREATE SEQUENCE ' .. sequence)
    self.session:query(('ALTER TABLE %s ALTER COLUMN %s SET DEFAULT nextval(%s)'):format(quoted,
      sql_text.name(row[1]), sql_text.literal(sequence)))
  end
  self.copies[name], self.originals[copy] = copy, name
end

local function mapped_children(self, children)
  local out = {}
  for i, child in ipairs(children or {}) do
    local copy = {}
    for key, value in pairs(child) do copy[key] = value end
    copy.table, copy.children = self.copies[child.table], mapped_children(self, child.children)
    out[i] = copy
  end
  return out
end

-- The script's job, with the copies as its target.
local function job_of(self, item)
  local loaded = script.load(item.file, { text = item.text, overrides = { from = self.place, into = self.onto.place } })
  local spec, options = {}, {}
  for key, value in pairs(assert(loaded.jobs[1]).spec) do spec[key] = value end
  for key, value in pairs(spec.into.options) do options[key] = value end
  options.table, options.state_schema = self.copies[options.table], self.state
  spec.into = place_of.target(self.onto.place, options)
  spec.children = mapped_children(self, spec.children)
  spec.name = 'rehearsal of ' .. item.name
  return job.copy(spec)
end

local function with_table_names(self, text)
  return (text:gsub(self.schema:gsub('%p', '%%%0') .. '%.', ''))
end

local function reasons_of(self, list)
  for _, row in ipairs(self.session:query(reasons_sql:format(sql_text.name(self.state), most_reasons)).rows) do
    local examples = {}
    for id in row[6]:sub(2, -2):gmatch('[^,]+') do examples[#examples + 1] = (id:gsub('^"(.*)"$', '%1')) end
    list[#list + 1] = { table = self.originals[row[1]] or row[1], column = row[2], code = row[3],
      message = with_table_names(self, row[4]), documents = tonumber(row[5]), examples = examples }
  end
  self.session:query(('DELETE FROM %s.rejects'):format(sql_text.name(self.state)))
end

local function load(self, item)
  local result = runner.run(job_of(self, item), { limit = self.limit }, { quiet = true, log = 'none' })
  if native.system.stop_level() > 0 then error(native.error('interrupted', 'stopped: nothing was written'), 0) end
  if result.status == 'failed' then
    item.onto_notes[#item.onto_notes + 1] = 'the rehearsal ended early: ' .. with_table_names(self, result.error)
    return
  end
  local refusals = {}
  reasons_of(self, refusals)
  item.rehearsal = { documents = result.tally.read, rejected = result.tally.rejected, refusals = refusals }
end

-- Rows with a foreign key to a row that neither exists nor would be added by the scripts.
local function dangling(self, item, name)
  local found
  for _, known in ipairs(self.onto.tables) do
    if known.name == name then found = known end
  end
  for _, link in ipairs(found and found.links or {}) do
    local target ---@type string|nil
    for _, known in ipairs(self.onto.tables) do
      if known.oid == link.oid then target = known.name end
    end
    if target then
      local column, wanted = sql_text.name(link.column), sql_text.name(link.target)
      local condition = ('c.%s IS NOT NULL AND NOT EXISTS (SELECT FROM %s t WHERE t.%s = c.%s)'):format(column,
        sql_text.table(target), wanted, column)
      if self.copies[target] then
        condition = condition .. (' AND NOT EXISTS (SELECT FROM %s t WHERE t.%s = c.%s)'):format(
          sql_text.table(self.copies[target]), wanted, column)
      end
      local rows = self.session:query(('SELECT pg_catalog.count(*), pg_catalog.min(c.%s::text) '
        .. 'FROM %s c WHERE %s'):format(column,
        sql_text.table(self.copies[name]), condition)).rows
      local count = tonumber(rows[1][1])
      if count > 0 then
        local told = item.rehearsal
        told.rejected = tonumber(told.rejected) + count
        told.refusals[#told.refusals + 1] = { table = name, column = link.column, code = 'foreign_key',
          documents = count, examples = { rows[1][2] }, message = ('%s: no row of %s has it, as its foreign key wants')
            :format(link.column, target) }
      end
    end
  end
end

local function open(onto, place, settings)
  local schema = ('lugger_rehearsal_%d'):format(native.system.pid())
  return { onto = onto, place = place, schema = schema, state = schema .. '_state', taken = {}, copies = {},
    originals = {}, limit = settings.sample and 100 * settings.sample or nil,
    session = native.pg(require('lugger.inner.cli.places').existing(onto.place), 'scaffold', 'detect') }
end

local function close(self)
  for _, schema in ipairs { self.schema, self.state } do
    self.session:query(('DROP SCHEMA IF EXISTS %s CASCADE'):format(sql_text.name(schema)))
  end
  self.session:close()
end

local function try(self, list)
  for _, item in ipairs(list) do
    for _, name in ipairs(names_of(item.table, {})) do
      if not self.copies[name] then copy_table(self, name) end
    end
  end
  for _, item in ipairs(list) do
    terminal.say('rehearsing ', item.name)
    load(self, item)
  end
  for _, item in ipairs(list) do
    for _, name in ipairs(names_of(item.table, {})) do dangling(self, item, name) end
  end
end

--- Loads every collection that has a table into copies of the tables, and records refusals as its rehearsal. If the
--- role may not create a schema, only the mapping was rehearsed, and a message says so.
---@param onto lugger.scaffold_onto
---@param list lugger.scaffold.collection[] those first that others refer to
---@param place string
---@param settings lugger.scaffold_settings
function trial.run(onto, list, place, settings)
  if #list == 0 then return end
  local self = open(onto, place, settings)
  ---@type boolean, any
  local may, why = pcall(self.session.query, self.session, 'CREATE SCHEMA ' .. sql_text.name(self.schema))
  if not may then
    self.session:close()
    for _, item in ipairs(list) do
      table.insert(assert(item.onto_notes), ('rehearsed through the mapping alone (%s): the constraints of the tables '
        .. 'may refuse more'):format(tostring(why.message or why)))
    end
    return
  end
  local ok, err = pcall(try, self, list)
  config.override {}
  local closed, problem = pcall(close, self)
  if not ok then error(err, 0) end
  if not closed then
    terminal.warn(('the schemas of the rehearsal, %s and %s, are left: %s'):format(self.schema, self.state,
      tostring(problem)))
  end
end

return trial
