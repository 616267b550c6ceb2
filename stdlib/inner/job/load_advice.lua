-- Advice before and after a load, one line each: early NOT NULL, space for updates, jsonb without an index.
local sql_text = require 'lugger.inner.sql.text'

local load_advice = {}

local function made(plan)
  local names = {}
  for _, sql in ipairs(plan.report.create) do
    local name = sql:match('^CREATE TABLE (.-) %(')
    if name then names[name] = true end
  end
  return names
end

--- NOT NULL columns of tables that a run is about to create: documents without them become rejects.
---@param plan lugger.job_plan
---@return string|nil
function load_advice.not_null(plan)
  local new, columns, options = made(plan), {}, {}
  for _, one in ipairs(plan.tables) do
    local key = {}
    for _, place in ipairs(one.key) do key[place] = true end
    for place, column in ipairs(one.columns) do
      if new[sql_text.table(one.name)] and column.required and not key[place] and not column.generate
        and not column.id_text_column then
        columns[#columns + 1] = one.parent and one.name .. '.' .. column.name or column.name
        if not one.parent then options[#options + 1] = ("'%s'"):format(column.name) end
      end
    end
  end
  if #columns == 0 then return nil end
  local later = #options > 0 and ('; to load them first and set NOT NULL behind the load, leave `required` out '
    .. 'and add not_null = { %s }'):format(table.concat(options, ', ')) or ''
  return ('%s: NOT NULL from the start, so documents without a value are rejected%s'):format(
    table.concat(columns, ', '), later)
end

-- By name, or in an expression as the job spells it: gin ((meta) jsonb_path_ops).
local function is_indexed(plan, column)
  local word = '%f[%w_]' .. column:gsub('%W', '%%%0') .. '%f[^%w_]'
  for _, sql in ipairs(plan.report.index or {}) do
    local elements = sql:match ' USING (.*)' or sql
    if elements:find(sql_text.name(column), 1, true) or elements:find(word) then return true end
  end
  return false
end

--- What the tables that a run has just created may need besides their indexes.
---@param plan lugger.job_plan as it was before the run
---@param on_conflict string
---@return { updated: string[], searched: string[] } tables that later runs update; columns of jsonb without an index
function load_advice.of_made(plan, on_conflict)
  local new, out = made(plan), { updated = {}, searched = {} }
  local updates = on_conflict == 'update' or on_conflict == 'newer'
  for _, one in ipairs(plan.tables) do
    local name = sql_text.table(one.name)
    if new[name] then
      if updates and not one.parent then table.insert(out.updated, name) end
      for _, column in ipairs(one.columns) do
        if column.type == 'jsonb' and not is_indexed(plan, column.name) then
          table.insert(out.searched, { name, sql_text.name(column.name) })
        end
      end
    end
  end
  return out
end

local function joined(lists, name)
  local all = {}
  for _, one in ipairs(lists) do
    for _, item in ipairs(one[name]) do all[#all + 1] = item end
  end
  return all
end

local function and_more(list, word)
  return #list > 1 and (' and %s more %s%s'):format(#list - 1, word, #list > 2 and 's' or '') or ''
end

--- The advice on all tables of a command, each kind once.
---@param lists { updated: string[], searched: string[] }[]
---@return string[]
function load_advice.lines(lists)
  local lines, updated, searched = {}, joined(lists, 'updated'), joined(lists, 'searched')
  if #updated > 0 then
    lines[1] = ('later runs update rows of %s%s; free space in each page makes that cheaper: ALTER TABLE %s SET '
      .. '(fillfactor = 90)'):format(updated[1], and_more(updated, 'table'), updated[1])
  end
  if #searched > 0 then
    local name, column = searched[1][1], searched[1][2]
    lines[#lines + 1] = ('%s.%s%s: jsonb without an index; if you search it: CREATE INDEX CONCURRENTLY ON %s USING gin '
      .. '(%s jsonb_path_ops)'):format(name, column, and_more(searched, 'column'), name, column)
  end
  return lines
end

return load_advice
