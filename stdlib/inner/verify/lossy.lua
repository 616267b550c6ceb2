-- Values that a mapping changes on purpose: then "equal" means equal to what the mapping made, not to the original.
local lossy = {}

---@type table<string, table<string, boolean>>
local words = {
  nul = { strip = true, replace = true }, utf8 = { strip = true, replace = true },
  on_error = { null = true, default = true }, fraction = { round = true, truncate = true },
  non_finite = { null = true }, out_of_range = { null = true, infinity = true },
}
local switches = { 'truncate', 'trim', 'empty_null' }
local order = { 'nul', 'utf8', 'on_error', 'fraction', 'non_finite', 'out_of_range' }

local function add(columns, children, table_name, out)
  for _, column in ipairs(type(columns) == 'table' and columns or {}) do
    local said = {}
    for _, key in ipairs(order) do
      local how = column[key]
      if words[key][how] then said[#said + 1] = ('%s = %q'):format(key, how) end
    end
    for _, key in ipairs(switches) do
      if column[key] then said[#said + 1] = key end
    end
    if #said > 0 then out[#out + 1] = ('%s.%s (%s)'):format(table_name, column[1], table.concat(said, ', ')) end
  end
  for _, child in ipairs(type(children) == 'table' and children or {}) do
    add(child.columns, child.children, child.table, out)
  end
  return out
end

--- A sentence about the columns whose policies may change a value; nil: there are none.
---@param job lugger.job
---@return string|nil
function lossy.note(job)
  local spec = job.spec
  if not spec then return nil end
  local name = spec.table or spec.into and spec.into.options.table or '?'
  local found = add(spec.columns, spec.children, tostring(name), {})
  if #found == 0 then return nil end
  return 'compared as the mapping makes them, so a value that these policies alter counts as equal: '
    .. table.concat(found, ', ')
end

return lossy
