-- Lint: reads migrations in order and reports what would cause harm. It uses no database and runs nothing.
local codes = require 'lugger.inner.lint.codes'
local lua_source = require 'lugger.inner.lint.lua_source'
local native = require 'lugger.native'
local rules = require 'lugger.inner.lint.rules'
local sql_file = require 'lugger.inner.migrate.sql_file'
local statement = require 'lugger.inner.migrate.statement'

local lint = {}

---@class lugger.lint.finding
---@field code string
---@field level "error"|"warning"|"note"
---@field path string
---@field line integer
---@field message string
---@field why string
---@field safe string

local function line_at(text, offset)
  return select(2, text:sub(1, offset):gsub('\n', ''))
end

local function collector(path)
  local list = {}
  return list, function(code, line, what, from, to)
    local known = assert(codes.by_name[code])
    list[#list + 1] = { code = code, level = known[2], path = path, line = line, from = from or line, to = to or line,
      message = known[3] .. (what and what ~= '' and ': ' .. what or ''), why = known.why, safe = known.safe }
  end
end

local longest_name = 63 -- bytes

local function look_at_names(text, line, add)
  local ok, tokens = pcall(native.sql.tokens, text)
  local seen = {}
  for _, token in ipairs(ok and tokens or {}) do
    local word = token.text
    local is_name = (token.kind == 'name' or token.kind == 'quoted') and not seen[word]
    if is_name and token.kind == 'name' and word:find('%u') and word:find('%l') then
      add('unquoted-identifier', line + line_at(text, token.offset), word)
    end
    if is_name and #(token.kind == 'quoted' and word:sub(2, -2):gsub('""', '"') or word) > longest_name then
      add('name-too-long', line + line_at(text, token.offset), word)
    end
    seen[word] = true
  end
end

-- Follows BEGIN and COMMIT in the text itself.
local function follow_control(context, st, emit)
  local word = st.control
  if context.is_migration then emit('transaction-control', word) end
  context.explicit = word == 'BEGIN' or word == 'START TRANSACTION'
  context.begun = context.explicit and st.line
  rules.end_transaction(context.state)
end

-- Follows settings that a plain SQL file makes for its session, until it resets them.
local function follow_settings(context, st)
  local kind = st.tag == 'VariableSetStmt' and st.node.kind
  if kind == 'VAR_RESET_ALL' or st.tag == 'DiscardStmt' then
    context.settings = {}
  elseif st.lasting == 'setting' and st.setting then
    context.settings[st.setting] = kind ~= 'VAR_RESET' and kind ~= 'VAR_SET_DEFAULT' and st.line or nil
  end
end

local function look(context, st, add, place)
  local last = st.line + line_at(st.text, #st.text)
  local function emit(code, what, location)
    local line = st.line + (location and line_at(st.text, location) or 0)
    add(code, math.min(line, last), what, st.line, last)
  end
  if st.unreadable then
    add('unreadable', st.line, st.unreadable)
    return
  end
  if st.problem then
    if st.exact ~= false then emit('not-parsed', st.problem) end
    return
  end
  if not st.node then return end
  if st.control then return follow_control(context, st, emit) end
  local in_transaction = context.explicit or context.one_transaction
  if not st.transactional and context.explicit then emit('concurrently-in-transaction') end
  if context.is_migration and not in_transaction and (st.temporary and not st.drops_itself or st.cursor) then
    emit('temporary-in-steps', st.temporary or st.cursor)
  end
  follow_settings(context, st)
  rules.look(context.state, emit, st, { in_transaction = in_transaction, place = place })
  if not in_transaction then rules.end_transaction(context.state) end
  look_at_names(st.text, st.line, function(code, line, what) add(code, line, what, st.line, last) end)
end

local function needs_steps(statements)
  for _, st in ipairs(statements) do
    if not st.transactional then return true end
  end
  return false
end

local function read_sql(context, text, add)
  local ok, sections = pcall(sql_file.parse, text, context.path, true)
  if not ok then
    local err = sections --[[@as any]]
    local message = tostring(err.message or err)
    add('unreadable', tonumber(message:match(':(%d+):')) or 1, (message:gsub('^.-:%d+: ', '')))
    return {}
  end
  if context.is_migration and not (sections.down and #sections.down.statements > 0) then add('missing-down', 1) end
  local up = sections.up
  context.one_transaction = context.is_migration and not up.no_transaction and not needs_steps(up.statements)
  return up.statements
end

-- True for a line in `down`, which is not checked: it only reverts what `up` made.
local function in_down(facts, line)
  local down, up = facts.down_line, facts.up_line
  if not down or line < down then return false end
  return not up or up < down or line < up
end

local function read_lua(context, text, add)
  local facts = lua_source.read(text)
  if context.is_migration and not facts.has_down then add('missing-down', 1) end
  local list = {}
  for _, found in ipairs(facts.found) do
    if found.unsafe then add('sql-concatenation', found.at) end
    if not (context.is_migration and in_down(facts, found.line)) then
      for _, st in ipairs(statement.split(found.sql, found.line, true)) do
        st.exact = found.exact
        if found.exact or not st.unreadable then list[#list + 1] = st end
      end
    end
  end
  context.one_transaction = not facts.steps and not needs_steps(list)
  return list
end

-- `-- lugger: allow CODE, CODE because REASON`
local function suppressions(text, add)
  local list, number = {}, 0
  for line in (text .. '\n'):gmatch('(.-)\n') do
    number = number + 1
    local words = line:match('%-%-+%s*lugger:%s*allow%s+(.-)%s*$')
    if words then
      local names, reason = words:match('^(.-)%s+because%s+(.+)$')
      local one = { line = number, codes = {}, alone = line:match('^%s*%-%-') ~= nil }
      for name in (names or words:match('^[%w%-, ]*') or ''):gmatch('[%w%-]+') do
        one.codes[name] = true
        if not codes.by_name[name] then
          add('suppression', number, 'there is no code "' .. name .. '"')
        end
      end
      if reason then list[#list + 1] = one else add('suppression', number, 'because of what?') end
    end
  end
  return list
end

-- A suppression applies to the statement that it is inside or after; on a line of its own, to the next statement.
local function is_allowed(finding, list, starts)
  for _, one in ipairs(list) do
    if one.codes[finding.code] then
      if finding.code == 'missing-down' then return true end
      if one.line >= finding.from and one.line <= finding.to then return true end
      local following
      for _, start in ipairs(one.alone and starts or {}) do
        if start > one.line and (not following or start < following) then following = start end
      end
      if following and (finding.from == following or finding.line == following) then return true end
    end
  end
  return false
end

local function is_migration(path)
  return path:match('([^/]+)$'):match('^%d+_.+%.%l+$') ~= nil
end

local function end_plain_file(context, add)
  if context.begun then add('open-transaction', context.begun) end
  local left, first = {}, nil ---@type string[], integer|nil
  for name, line in pairs(context.settings) do
    left[#left + 1], first = name, math.min(first or line, line) --[[@as integer]]
  end
  table.sort(left)
  if first then add('setting-left-on', first, table.concat(left, ', ')) end
end

---@class lugger.lint.file
---@field path string
---@field text string

local function one_file(file, state)
  local list, add = collector(file.path)
  local text = sql_file.normal(file.text)
  local context = { path = file.path, is_migration = is_migration(file.path), state = state, explicit = false,
    settings = {} }
  rules.end_transaction(state)
  local read = file.path:match('%.lua$') and read_lua or read_sql
  local allowed = suppressions(text, add)
  local starts, statements = {}, read(context, text, add)
  rules.begin_file(state, statements)
  for place, st in ipairs(statements) do
    starts[#starts + 1] = st.line
    look(context, st, add, place)
  end
  if not context.is_migration then end_plain_file(context, add) end
  local left = {}
  for _, finding in ipairs(list) do
    if finding.code == 'sql-concatenation' then starts[#starts + 1] = finding.line end
  end
  for _, finding in ipairs(list) do
    if not is_allowed(finding, allowed, starts) then left[#left + 1] = finding end
  end
  table.sort(left, function(a, b)
    if a.line ~= b.line then return a.line < b.line end
    return a.code < b.code
  end)
  return left
end

--- Checks files in order. `pending`: none of them is applied, so a table made by one is still new in the next.
---@param files lugger.lint.file[]
---@param pending boolean|nil
---@return lugger.lint.finding[]
function lint.files(files, pending)
  local out, state = {}, rules.state()
  for _, file in ipairs(files) do
    for _, finding in ipairs(one_file(file, state)) do out[#out + 1] = finding end
    if not pending then state.made = {} end
  end
  return out
end

--- True when there is a finding that is more than a note.
---@param findings lugger.lint.finding[]
---@return boolean
function lint.fails(findings)
  for _, finding in ipairs(findings) do
    if finding.level ~= 'note' then return true end
  end
  return false
end

return lint
