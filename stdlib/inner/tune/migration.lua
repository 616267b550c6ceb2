-- The settings that were chosen, as a migration and as options of jobs.
local files = require 'lugger.inner.migrate.files'
local native = require 'lugger.native'
local sweep = require 'lugger.inner.tune.sweep'
local terminal = require 'lugger.inner.view.terminal'
local tune_facts = require 'lugger.inner.tune.facts'
local view = require 'lugger.inner.tune.view'
local sql = native.sql

local migration = {}

-- The index of the table that is what was chosen already.
local function standing(report)
  local build = report.best.build
  for _, index in ipairs(report.facts.indexes) do
    local with, same = tune_facts.options(index), index.method == build.method
    for name, value in pairs(build.with) do same = same and with[name] == value end
    if same and tune_facts.serves(report.facts, index) then return index end
  end
end

-- The index of a partitioned table takes over those of its partitions, which are built while others write.
local function create(report, name, tail)
  local build, facts, out = report.best.build, report.facts, {}
  local searched = tune_facts.searched(facts, build.method)
  local body = ('USING %s (%s %s)\n  WITH (%s);'):format(build.method, searched.expression, searched.class,
    sweep.words(build.with, { 'm', 'ef_construction', 'lists' }))
  for i, leaf in ipairs(facts.leaves) do
    out[i] = ('CREATE INDEX CONCURRENTLY %s ON %s %s'):format(
      sql.name(sql.fitted_name(('%s_%s_%d'):format(facts.table, facts.column, i), tail)), leaf, body)
  end
  out[#out + 1] = ('CREATE INDEX %s%s ON %s %s'):format(#facts.leaves == 0 and 'CONCURRENTLY ' or '', sql.name(name),
    facts.quoted, body)
  return table.concat(out, '\n')
end

-- The settings of searches that are not the server's own defaults.
local function settings_of(report)
  local search, list = report.best.search, {}
  local prefix = report.best.build.method
  for _, name in ipairs { 'ef_search', 'probes', 'iterative_scan', 'max_scan_tuples' } do
    local value = search[name]
    if value and value ~= 'off' then list[#list + 1] = { ('%s.%s'):format(prefix, name), tostring(value) } end
  end
  return list
end

-- A setting of an extension is known once its library is loaded, and that its types do.
local function for_database(report, words)
  local lines = { 'DO $$ BEGIN', ("  PERFORM '[1]'::%s.vector;"):format(report.facts.vectors) }
  for _, text in ipairs(words) do
    lines[#lines + 1] = ("  EXECUTE pg_catalog.format('ALTER DATABASE %%I %s', pg_catalog.current_database());"):format(
      (text:gsub("'", "''")))
  end
  lines[#lines + 1] = 'END $$;'
  return table.concat(lines, '\n')
end

local function comment(text)
  return '-- ' .. terminal.printable(text)
end

--- The text of the migration.
---@param report lugger.tune.report
---@return string
function migration.text(report)
  local facts, best, there = report.facts, report.best, standing(report)
  local tail = '_' .. best.build.name
  local name = sql.fitted_name(facts.table .. '_' .. facts.column, tail)
  local out = { comment(('%s.%s: %s; %s'):format(facts.table, facts.column, view.build(best.build),
    view.search(best.search))), comment(view.head(report)),
    comment(('found: recall %.3f, p95 %.2f ms, %s'):format(best.found.recall, best.found.p95,
      terminal.bytes(best.bytes))), '-- up', '-- no transaction' }
  if there then
    out[#out + 1] = comment(('the index %s is built so already'):format(there.name))
  else
    out[#out + 1] = create(report, name, tail)
    for _, index in ipairs(facts.indexes) do
      out[#out + 1] = comment(('when no plan uses it any more: DROP INDEX CONCURRENTLY %s.%s'):format(
        sql.name(facts.schema), sql.name(index.name)))
    end
  end
  local set, reset = {}, {}
  for i, one in ipairs(settings_of(report)) do
    set[i] = ('SET %s = %s'):format(one[1], tonumber(one[2]) and one[2] or sql.literal(one[2]))
    reset[i] = 'RESET ' .. one[1]
  end
  out[#out + 1] = '-- new sessions of all roles search so'
  out[#out + 1] = for_database(report, set)
  out[#out + 1] = '-- down\n-- no transaction'
  out[#out + 1] = for_database(report, reset)
  if not there then
    out[#out + 1] = ('DROP INDEX %sIF EXISTS %s.%s;'):format(#facts.leaves == 0 and 'CONCURRENTLY ' or '',
      sql.name(facts.schema), sql.name(name))
  end
  return table.concat(out, '\n') .. '\n'
end

--- Writes it, to a file or into a directory of migrations; returns the path.
---@param report lugger.tune.report
---@param where string
---@return string
function migration.write(report, where)
  local path = where
  if not where:match '%.sql$' then
    path = files.new(where, ('tune %s %s'):format(report.facts.table, report.facts.column), 'sql')
  end
  files.write(path, migration.text(report))
  return path
end

local function lua_string(text)
  return "'" .. text:gsub("[\\']", '\\%0') .. "'"
end

--- Says what a job would have: its index, and the options of its places.
---@param report lugger.tune.report
function migration.tell(report)
  local build, options = report.best.build, {}
  for _, name in ipairs { 'ef_search', 'probes', 'iterative_scan', 'max_scan_tuples' } do
    local value = report.best.search[name]
    if value and value ~= 'off' then
      options[#options + 1] = ('%s = %s'):format(name, tonumber(value) and value or "'" .. value .. "'")
    end
  end
  terminal.line(("in a job: indexes = { { %s, method = '%s', metric = '%s', with = { %s } } }"):format(
    lua_string(report.facts.column), build.method, report.facts.metric,
    sweep.words(build.with, { 'm', 'ef_construction', 'lists' })))
  local facts = report.facts
  local name = facts.schema == 'public' and facts.table or facts.schema .. '.' .. facts.table
  terminal.line(('of its place: { table = %s, %s }'):format(lua_string(name), table.concat(options, ', ')))
end

return migration
