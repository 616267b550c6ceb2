-- Comparisons for lugger.test, and how a difference is shown.
local document = require 'lugger.inner.base.document'
local json_value = require 'lugger.json'
local lugger = require 'lugger'
local marks = require 'lugger.inner.base.marks'
local sql_values = require 'lugger.inner.sql.values'
local value_text = require 'lugger.inner.view.value_text'

local compare = {}

--- A value as it is shown in a failure.
---@param v any
---@return string
function compare.show(v)
  return value_text.of(v, 20)
end

local function plain(v)
  return document.is(v) and document.methods.totable(v) or v
end

local function is_list(t)
  return #t > 0 or marks.mark(t) == 'array'
end

--- The difference; nil when there is none. Of objects only the keys in `wanted` are compared; lists are compared whole.
---@param found any
---@param wanted any
---@param where string|nil
---@return string|nil
function compare.values(found, wanted, where)
  found, wanted = plain(found), plain(wanted)
  local at = where and where .. ': ' or ''
  if type(wanted) ~= 'table' or type(found) ~= 'table' then
    local equal = found == wanted or (found ~= found and wanted ~= wanted)
    if not equal and type(found) == 'cdata' or type(wanted) == 'cdata' then
      local ok, same = pcall(function() return lugger.type(found) == lugger.type(wanted) and tostring(found) ==
        tostring(wanted) end)
      equal = equal or (ok and same == true)
    end
    if equal then return nil end
    return ('%sfound %s, wanted %s'):format(at, compare.show(found), compare.show(wanted))
  end
  if is_list(wanted) and #found ~= #wanted then
    return ('%sfound %d, wanted %d: %s'):format(at, #found, #wanted, compare.show(found))
  end
  for key, item in pairs(wanted) do
    local name = type(key) == 'number' and '[' .. key .. ']' or (where and '.' or '') .. tostring(key)
    local problem = compare.values(found[key], item, (where or '') .. name)
    if problem then return problem end
  end
end

local function is_json(kind)
  return kind == 'json' or kind == 'jsonb'
end

-- A wanted value is converted by the column's own coercer, so that "2026-01-05" is equal to a date of the same day.
local function same_cell(text, wanted, kind)
  if is_json(kind) then
    return compare.values(json_value.decode(text), type(wanted) == 'string' and json_value.decode(wanted)
      or wanted) == nil
  end
  if kind:find('%[%]$') then
    local element = kind:gsub('%[%]$', '')
    local list = sql_values.array(text)
    if type(wanted) ~= 'table' or #wanted ~= #list then return false end
    for i, item in ipairs(wanted) do
      if item == lugger.null then
        if list[i] ~= lugger.null then return false end
      elseif list[i] == lugger.null or not same_cell(list[i], item, element) then
        return false
      end
    end
    return true
  end
  if type(wanted) == 'string' and wanted == text then return true end
  local ok, same = pcall(function()
    local coercer = lugger.coercer(kind)
    local a, b = coercer:coerce(text), coercer:coerce(wanted)
    return a == b or tostring(a) == tostring(b)
  end)
  return ok and same
end

local function cell(row, place)
  return row.is_null[place] and 'NULL' or row.values[place]
end

local function shown(wanted)
  if wanted == lugger.null then return 'NULL' end
  return type(wanted) == 'string' and wanted or compare.show(wanted)
end

local function row_differences(row, wanted, columns, number, lines)
  local names = {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local column = columns[name]
    if not column then
      lines[#lines + 1] = ('  row %d: there is no column %s'):format(number, tostring(name))
    else
      local want, place = wanted[name], column.place
      local null = row.is_null[place]
      local same = want == lugger.null and null or want ~= lugger.null and not null
        and same_cell(row.values[place], want, column.type)
      if not same then
        lines[#lines + 1] = ('  row %d, %s:\n  - %s\n  + %s'):format(number, name, shown(want), cell(row, place))
      end
    end
  end
end

--- The difference between rows and wanted rows: "-" is wanted, "+" was found.
---@param found table[] of a preview
---@param wanted table<string, any>[]
---@param columns table<string, { place: integer, type: string }>
---@return string|nil
function compare.rows(found, wanted, columns)
  local lines = {}
  for i = 1, math.max(#found, #wanted) do
    if not found[i] then
      lines[#lines + 1] = ('  row %d is missing:\n  - %s'):format(i, compare.show(wanted[i]))
    elseif not wanted[i] then
      local cells = {}
      for name, column in pairs(columns) do cells[#cells + 1] = name .. ' = ' .. cell(found[i], column.place) end
      table.sort(cells)
      lines[#lines + 1] = ('  row %d is one too many:\n  + %s'):format(i, table.concat(cells, ', '))
    else
      row_differences(found[i], wanted[i], columns, i, lines)
    end
  end
  return #lines > 0 and table.concat(lines, '\n') or nil
end

--- Rows as the text of a golden file, one block for each row, so that a diff shows what changed.
---@param rows table[]
---@param columns { name: string }[]
---@return string
function compare.text(rows, columns)
  local lines = {}
  for number, row in ipairs(rows) do
    lines[#lines + 1] = ('-- %d'):format(number)
    for i, column in ipairs(columns) do
      lines[#lines + 1] = ('%s: %s'):format(column.name, (cell(row, i):gsub('\n', '\\n')))
    end
  end
  return table.concat(lines, '\n') .. '\n'
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch '([^\n]*)\n' do list[#list + 1] = line end
  return list
end

--- The lines that differ, by position, below the row that they belong to.
---@param before string
---@param after string
---@return string
function compare.diff(before, after)
  local a, b, out, row = lines_of(before), lines_of(after), {}, nil
  for i = 1, math.max(#a, #b) do
    local head = (b[i] or a[i]):match '^%-%- %d+$'
    if head then row = head end
    if a[i] ~= b[i] then
      if row then out[#out + 1] = '  ' .. row row = nil end
      if a[i] then out[#out + 1] = '  - ' .. a[i] end
      if b[i] then out[#out + 1] = '  + ' .. b[i] end
    end
    if #out > 60 then
      out[#out + 1] = '  ...'
      break
    end
  end
  return table.concat(out, '\n')
end

return compare
