-- The description of a source as a table: what each field holds, and a suitable column.
local table_view = require 'lugger.inner.view.table'
local tonumber = tonumber --[[@as fun(count: any): number]]

local describe_view = {}

local function share(part, whole)
  part, whole = tonumber(part), tonumber(whole)
  if whole == 0 then return '-' end
  local percent = 100 * part / whole
  if percent > 0 and percent < 1 then return '<1%' end
  if percent > 99 and percent < 100 then return '99%' end
  return ('%.0f%%'):format(percent)
end

local function types_text(field)
  local parts, total = {}, tonumber(field.nulls)
  for _, item in ipairs(field.types) do total = total + tonumber(item.values) end
  if #field.types == 1 and tonumber(field.nulls) == 0 then return field.types[1].type end
  for i, item in ipairs(field.types) do parts[i] = item.type .. ' ' .. share(item.values, total) end
  if tonumber(field.nulls) > 0 then parts[#parts + 1] = 'null ' .. share(field.nulls, total) end
  return table.concat(parts, ', ')
end

--- The fields as text, one line each.
---@param description lugger.description
---@return string
function describe_view.fields(description)
  local rows = {}
  for i, field in ipairs(description.fields) do
    local suggests = field.suggests .. (field.note ~= '' and ', ' .. field.note or '')
    rows[i] = { field.path, share(field.seen, description.documents), types_text(field), suggests }
  end
  return table_view.render({ 'field', 'seen', 'types', 'suggests' }, rows, { right = { [2] = true } })
end

return describe_view
