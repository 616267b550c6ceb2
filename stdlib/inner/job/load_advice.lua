-- What is worth a thought before and after a load, one line each: NOT NULL up front, room for updates, jsonb without an
-- index.
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

--- NOT NULL columns of tables that a run is about to make: documents without them are rejected, not loaded and mended.
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

local function is_indexed(plan, column)
  for _, sql in ipairs(plan.report.index or {}) do
    if sql:find(sql_text.name(column), 1, true) then return true end
  end
  return false
end

--- What the tables that a run has just made may need beside their indexes.
---@param plan lugger.job_plan as it was before the run
---@param on_conflict string
---@return string[]
function load_advice.after_load(plan, on_conflict)
  local new, lines, searched = made(plan), {}, {}
  for _, one in ipairs(plan.tables) do
    local name = sql_text.table(one.name)
    if new[name] then
      if (on_conflict == 'update' or on_conflict == 'newer') and not one.parent then
        lines[#lines + 1] = ('rows of %s will be updated by later runs: ALTER TABLE %s SET (fillfactor = 90) leaves '
          .. 'them room in their page'):format(one.name, name)
      end
      for _, column in ipairs(one.columns) do
        if column.type == 'jsonb' and not is_indexed(plan, column.name) then
          searched[#searched + 1] = ('%s (%s jsonb_path_ops)'):format(name, sql_text.name(column.name))
        end
      end
    end
  end
  if #searched > 0 then
    lines[#lines + 1] = 'jsonb without an index; when it is searched: CREATE INDEX CONCURRENTLY ON '
      .. searched[1]:gsub(' %(', ' USING gin (', 1) .. (#searched > 1 and (', and %d more'):format(#searched - 1) or '')
  end
  return lines
end

return load_advice
