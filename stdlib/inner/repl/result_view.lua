-- How the prompt shows results: as Lua text that can be pasted back, tables, JSON lines or CSV.
local document = require 'lugger.inner.base.document'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local query_view = require 'lugger.inner.repl.query_view'
local sql_result = require 'lugger.inner.sql.result'
local sql_db = require 'lugger.inner.sql.db'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local value_text = require 'lugger.inner.view.value_text'

local result_view = {}

---@alias lugger.repl.form "auto"|"lua"|"table"|"json"|"csv"
result_view.forms = { 'auto', 'lua', 'table', 'json', 'csv' }

-- Shows results of jobs as the commands do.
local function show_known(v)
  if type(v) ~= 'table' or getmetatable(v) then return false end
  if v.documents and v.tables and v.tally then
    require('lugger.inner.view.preview').show('preview', v)
  elseif v.report and v.partitions then
    require('lugger.inner.view.plan').show(v)
  elseif v.steps and v.outcome then
    require('lugger.cli.trace').show(v)
  elseif v.reject_codes and v.tally then
    require('lugger.inner.job.summary').print({ v }, 1, {})
  else
    return false
  end
  return true
end

-- Any kind of rows as names and cells of text. False is NULL; nil is a missing field.
local function cell_text(v)
  if v == nil then return nil end
  if v == require('lugger').null then return false end
  if type(v) == 'string' then return v end
  if document.is(v) then return document.methods.json(v, 'relaxed') end
  if type(v) == 'table' then return require('lugger.json').encode(v) end
  return tostring(v)
end

local function collect(docs, limit)
  local names, seen, rows = {}, {}, {}
  local function add(name, cells, v)
    if not seen[name] then names[#names + 1] = name seen[name] = #names end
    cells[seen[name]] = cell_text(v)
  end
  local more = false
  for doc in docs do
    if limit and #rows == limit then more = true break end
    local cells = {}
    if document.is(doc) then
      for name, v in document.each(doc) do add(name, cells, v) end
    else
      local keys = {}
      for key in pairs(doc) do keys[#keys + 1] = key end
      table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
      for _, key in ipairs(keys) do add(tostring(key), cells, doc[key]) end
    end
    rows[#rows + 1] = cells
  end
  return { names = names, rows = rows, more = more }
end

local function csv_cell(text)
  if text == nil or text == false then return '' end
  if text == '' or text:find '[",\r\n]' or text:find '^%s' or text:find '%s$' then
    return '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

local function show_csv(grid)
  local function line(cells)
    local parts = {}
    for i = 1, #grid.names do parts[i] = csv_cell(cells[i]) end
    terminal.line(table.concat(parts, ','))
  end
  line(grid.names)
  for _, row in ipairs(grid.rows) do line(row) end
end

local function show_grid(grid, null_text)
  local rows = {}
  for r, row in ipairs(grid.rows) do
    rows[r] = {}
    for i = 1, #grid.names do rows[r][i] = row[i] == false and null_text or row[i] or '' end
  end
  terminal.line(table_view.render(grid.names, rows))
  if not grid.more then terminal.line('(', terminal.count(#rows, 'row'), ')') end
end

local function json_line(v)
  terminal.line(require('lugger.json').encode(v))
end

local function show_query_as_rows(query, settings, form)
  local limit = settings.rows or (terminal.is_terminal(1) and 20 or nil)
  local grid = collect(query:docs(), limit)
  if form == 'csv' then show_csv(grid) else show_grid(grid, settings.null) end
  if grid.more then
    terminal.line(('... more than %s: :limit(n) takes a number, :count() counts them'):format(terminal.group(limit)))
  end
end

-- A source with its collections, where they are files: a server is not asked.
local function show_source(source)
  terminal.line(tostring(source))
  local found = native.system.stat(source:resolved())
  if not found and not source.place:find '[:=]' and source.place ~= '-' then
    return terminal.say('there is nothing at ', source.place)
  end
  if not found or not (found.is_dir or found.is_file) then return end
  local ok, collections = pcall(source.collections, source)
  if not ok then return terminal.say('it cannot be read: ', terminal.error_text(collections)) end
  local rows, database = {}, nil
  for i, one in ipairs(collections) do
    rows[i] = { one.database ~= '' and one.database .. '.' .. one.collection or one.collection, one.type,
      terminal.bytes(one.bytes) }
    database = database or one.database
  end
  if #rows == 0 then return end
  terminal.line(table_view.render({ 'collection', 'type', 'size' }, rows, { right = { [3] = true } }))
  if #rows > 1 and not source.options.collection then
    terminal.line(("source('%s', { collection = '%s' }) takes one of them"):format(
      native.system.mask_secrets(source.place), rows[1][1]))
  end
end

local function plain_rows(result)
  local raw, rows = assert(sql_result.raw(result)), {}
  for i in ipairs(raw.rows) do rows[i] = sql_result.plain_row(result[i]) end
  return rows
end

local function show_sql(result, settings, form)
  local raw = assert(sql_result.raw(result))
  local limit = settings.rows or (terminal.is_terminal(1) and 100 or nil)
  if #raw.names == 0 then
    local writes = raw.command:match '%d+$'
    terminal.line(raw.command == '' and 'done' or writes and terminal.count(raw.affected, 'row') .. ' affected'
      or raw.command:lower())
  elseif form == 'csv' then
    show_csv({ names = raw.names, rows = raw.rows })
  elseif form == 'json' then
    for _, row in ipairs(plain_rows(result)) do
      local copy = {}
      for key, v in pairs(row) do copy[key] = v end
      json_line(document.document(copy, raw.keys))
    end
  elseif form == 'lua' then
    terminal.line(value_text.of(plain_rows(result), settings.rows))
  else
    terminal.line(sql_result.table_text(raw, limit, settings.null))
  end
  local dropped = raw.count - #raw.rows
  if dropped > 0 and form ~= 'auto' and form ~= 'table' then
    terminal.warn(('%s of the result were not kept: it is larger than memory allows'):format(
      terminal.count(dropped, 'row')))
  end
end

-- True for a list of rows or documents, which can be shown as a table.
local function is_rows(v)
  if type(v) ~= 'table' or type(v[1]) ~= 'table' and not document.is(v[1]) then return false end
  for _, item in ipairs(v) do
    local fits = document.is(item) or (type(item) == 'table' and #item == 0 and next(item) ~= nil)
    if not fits then return false end
  end
  return true
end

local function each(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- Shows one value.
---@param v any
---@param settings { form: lugger.repl.form, rows: integer|nil, null: string }
function result_view.show(v, settings)
  local form = settings.form
  if query_view.is(v) then
    if form == 'csv' or form == 'table' then return show_query_as_rows(v, settings, form) end
    return query_view.show(v, settings, form)
  end
  if form == 'auto' and place.is(v, 'source') then return show_source(v) end
  if sql_result.raw(v) then
    for _, one in ipairs(sql_result.earlier(v)) do show_sql(one, settings, form) end
    return show_sql(v, settings, form)
  end
  if form == 'auto' and show_known(v) then return end
  if form == 'json' and (type(v) == 'table' or document.is(v)) and not sql_db.is(v) then
    local meta = getmetatable(v)
    if type(v) ~= 'table' or not (meta and meta.__tostring) or meta.lugger_array or meta.lugger_columns then
      return json_line(v)
    end
  end
  if (form == 'csv' or form == 'table') and is_rows(v) then
    local grid = collect(each(v), settings.rows)
    if form == 'csv' then show_csv(grid) else show_grid(grid, settings.null) end
    return
  end
  terminal.line(value_text.of(v, settings.rows or (terminal.is_terminal(1) and 100 or nil)))
  if document.is(v) then query_view.note(v, settings) end
end

--- Shows the results of a statement; a statement without results shows nothing.
---@param results table { n =, true, ... } of xpcall
---@param settings { form: lugger.repl.form, rows: integer|nil, null: string }
function result_view.show_all(results, settings)
  if results.n < 2 then return end
  if results.n == 2 then return result_view.show(results[2], settings) end
  local parts = {}
  for i = 2, results.n do parts[#parts + 1] = value_text.of(results[i], settings.rows) end
  terminal.line(table.concat(parts, '\t'))
end

return result_view
