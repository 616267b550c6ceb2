-- Which objects the files create, and which object a name means: its schema is given, or found in search_path.
local names = {}

---@class lugger.lint.name as in a RangeVar
---@field relname string
---@field schemaname string|nil
---@field relpersistence string|nil "t" for temporary ones

--- A list of String nodes, such as schema and table, as a name.
---@param list table[]
---@return lugger.lint.name
function names.of_list(list)
  local parts = {} ---@type table<integer, string>
  for i, item in ipairs(list) do parts[i] = item.String and item.String.sval or '?' end
  return { relname = parts[#parts], schemaname = parts[#parts - 1] }
end

--- Resets search_path to its default.
---@param state lugger.lint.state
function names.reset_path(state)
  state.path = { 'public' }
end

-- The schemas in SET search_path or set_config('search_path', ...).
local function schemas_of(st)
  local list = {}
  if st.tag == 'VariableSetStmt' then
    for _, item in ipairs(st.node.args or {}) do
      local value = item.A_Const and item.A_Const.sval
      list[#list + 1] = value and value.sval
    end
  else
    local text = st.text:match("search_path'%s*,%s*'([^']*)'") or ''
    for part in text:gmatch('[^,%s]+') do list[#list + 1] = part:gsub('"', '') .. '' end
  end
  return list
end

--- Follows changes of search_path, which decide about names without a schema.
---@param state lugger.lint.state
---@param st lugger.statement
function names.follow(state, st)
  if st.setting ~= 'search_path' then return end
  local path = {}
  for _, schema in ipairs(schemas_of(st)) do
    if schema ~= '' and schema ~= '$user' then path[#path + 1] = schema end
  end
  state.path = #path > 0 and path or { 'public' }
end

--- The unique spelling of a name.
---@param state lugger.lint.state
---@param name lugger.lint.name
---@return string
function names.key(state, name)
  local schema = name.relpersistence == 't' and 'pg_temp' or name.schemaname or state.path[1]
  return schema .. '.' .. name.relname
end

--- Records that an object is created: nobody uses it yet.
---@param state lugger.lint.state
---@param name lugger.lint.name
function names.make(state, name)
  state.made[names.key(state, name)] = true
end

--- True for objects that the files have created.
---@param state lugger.lint.state
---@param name lugger.lint.name
---@return boolean
function names.is_made(state, name)
  if name.schemaname then
    return state.made[names.key(state, name)] or state.made['schema ' .. name.schemaname] or false
  end
  if state.made['pg_temp.' .. name.relname] then return true end
  for _, schema in ipairs(state.path) do
    if state.made[schema .. '.' .. name.relname] then return true end
  end
  return state.made['schema ' .. state.path[1]] or false
end

return names
