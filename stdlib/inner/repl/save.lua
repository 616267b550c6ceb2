-- :save writes the statements of a session that had an effect, as a script or a migration.
local config = require 'lugger.inner.cli.config'
local history = require 'lugger.inner.repl.history'
local lua_tokens = require 'lugger.inner.lint.lua_tokens'
local native = require 'lugger.native'
local save_names = require 'lugger.inner.repl.save_names'
local save_places = require 'lugger.inner.repl.save_places'
local seen_secrets = require 'lugger.inner.base.seen_secrets'
local value_text = require 'lugger.inner.view.value_text'
local system = native.system

local repl_save = {}

local opens = { ['function'] = true, ['do'] = true, ['if'] = true, ['repeat'] = true }

---@class lugger.repl.entry
---@field number integer
---@field text string as it was typed
---@field code string|nil as Lua compiled it
---@field as_function boolean|nil the code of a file, which may return
---@field ok boolean
---@field expression boolean it was one, not a statement
---@field effect boolean something outside was changed
---@field reads boolean as far as Lua is concerned it changed nothing
---@field gives boolean|nil its value became `_`
---@field sql boolean SQL was run
---@field place string|nil where `pg` spoke to
---@field opened string[]|nil what pg.open and pg.use were handed
---@field undone boolean|nil its transactions were rolled back
---@field controls boolean|nil it began or ended a transaction
---@field bracket boolean|nil and did nothing else
---@field sessions table<lugger.sql_session, boolean>|nil those it ran SQL in

local function is_noise(entry)
  if entry.effect then return false end
  if entry.code:match '^%s*pg%s*%.%s*use%s*%(?%s*["\'][^"\']*["\']%s*%)?%s*$' then
    return true -- it is added again where the place changes
  end
  return entry.expression and entry.reads
end

local function refuse_controls(entry)
  if not entry.controls then return end
  config.raise(('statement %d begins or ends a transaction among other things, and a migration has its own')
    :format(entry.number), 'run its parts one by one, or save a script: :save NAME.lua')
end

-- A statement that uses `_` needs the one that gave it, which sets it in the file.
local function keep_givers(entries, first, kept)
  local wanted = false
  for at = #entries, 1, -1 do
    local entry = entries[at]
    if wanted and entry.gives and not entry.undone and entry.number >= first then
      kept[entry], wanted = 'gives', false
    end
    if kept[entry] then
      local reads, sets = save_names.used(entry.code)
      for _, name in ipairs(sets) do
        if name == '_' then wanted = false end
      end
      wanted = wanted or reads._ == true
    end
  end
end

local function with_value(entry)
  local value = entry.as_function and ('(function(...)\n%s\nend)()'):format(entry.code) or entry.code
  return setmetatable({ code = '_ = ' .. value, expression = false, as_function = false }, { __index = entry })
end

--- The statements to keep.
---@param entries lugger.repl.entry[]
---@param first integer
---@param last number
---@param as_migration boolean a migration has a transaction of its own
---@return lugger.repl.entry[] list
---@return lugger.repl.entry[] failed those that changed something before they failed
function repl_save.kept(entries, first, last, as_migration)
  local list, failed, kept = {}, {}, {}
  for _, entry in ipairs(entries) do
    local inside = entry.number >= first and entry.number <= last and entry.code and not entry.undone
    if inside and not entry.ok and entry.effect then failed[#failed + 1] = entry end
    kept[entry] = inside and entry.ok and not is_noise(entry) and not (as_migration and entry.bracket) or nil
    if kept[entry] and as_migration then refuse_controls(entry) end
  end
  if next(kept) then keep_givers(entries, first, kept) end
  for _, entry in ipairs(entries) do
    if kept[entry] then list[#list + 1] = kept[entry] == 'gives' and with_value(entry) or entry end
  end
  return list, failed
end

local function holds_seen_secret(code)
  for _, token in ipairs(lua_tokens.read(' ' .. code)) do
    local text = token.kind == 'string' and token.value or token.kind == 'comment' and token.text
    if text and seen_secrets.is_in(text) then return true end
  end
  return false
end

-- Replaces literals that contain a secret by variables: the one with this value, otherwise a new one.
local function without_secrets(code, entry, new)
  local known = {}
  for name, secret in pairs(config.secrets()) do known[secret] = name end
  code = code:gsub('([%w_%]%)]?)(%s*)(["\'])(.-)%3', function(before, space, _, inner)
    if system.mask_secrets(inner) == inner and not known[inner] then return nil end
    local name = known[inner]
    if not name then
      new[#new + 1] = ('SAVED_URI_%d'):format(#new + 1)
      name = new[#new]
      known[inner] = name
    end
    local variable = 'lugger.env.' .. name
    return before ~= '' and before .. '(' .. variable .. ')' or space .. variable
  end)
  if history.without_secrets(code) ~= code or holds_seen_secret(code) then
    config.raise(('statement %d holds a password, which no file should'):format(entry.number),
      'put it into .env under a name and write env.NAME instead, then run the statement again')
  end
  return code
end

local function why_unknown(entries, kept, unknown)
  for _, entry in ipairs(entries) do
    local _, sets = save_names.used(entry.code or '')
    for _, name in ipairs(sets) do
      if name == unknown.name and entry ~= kept[unknown.at] then
        local reason = not entry.ok and 'it failed' or entry.undone and 'it was rolled back' or 'it is not in the range'
        return ('statement %d sets it, and is left out: %s'):format(entry.number, reason)
      end
    end
  end
  return 'a file has no such name; set it, then run the statement again'
end

-- The names of the statements. What none of them sets, no file would find.
local function names_of(kept, entries)
  local codes = {}
  for i, entry in ipairs(kept) do codes[i] = entry.code end
  local names = save_names.of(codes)
  local unknown = names.unknown
  if unknown then
    config.raise(('statement %d uses "%s"'):format(kept[unknown.at].number, unknown.name),
      why_unknown(entries, kept, unknown))
  end
  return names
end

-- Code of one statement among others: its local variables end with it, as at the prompt, and what is no statement of
-- Lua becomes one.
local function as_statement(entry, code)
  local close = code:match('[^\n]*$'):find('--', 1, true) and '\nend' or ' end' -- a comment would swallow it
  if entry.as_function then return (';(function(...)\n%s\nend)()'):format(code), true end
  if entry.expression and not loadstring(' ' .. code) then return ('do local _ = %s%s'):format(code, close), true end
  local depth = 0
  for _, token in ipairs(lua_tokens.read(' ' .. code)) do
    if token.kind == 'name' then
      if opens[token.text] then depth = depth + 1 end
      if token.text == 'end' or token.text == 'until' then depth = depth - 1 end
      if token.text == 'local' and depth == 0 then return ('do %s%s'):format(code, close), true end
    end
  end
  return code:sub(1, 1) == '(' and ';' .. code or code
end

local function place_text(place, new)
  if place == config.find 'PG_URI' then return 'lugger.env.PG_URI' end
  local code = without_secrets(value_text.quote(place), { number = 0 }, new)
  return code
end

-- The statements as code; `speaks` makes the statement that changes the place of `pg`.
local function statements(kept, names, speaks, new)
  local lines, place = {}, nil
  for i, entry in ipairs(kept) do
    if names.pg and entry.place and entry.place ~= place then
      local begun = speaks(entry.place, place == nil, entry.number)
      if begun then lines[#lines + 1] = begun end
      place = entry.place
    end
    local code = without_secrets(entry.code, entry, new):gsub('^%s+', ''):gsub('%s+$', '')
    local own, inside = as_statement(entry, code)
    local begun = names.begins[i]
    if begun and inside then lines[#lines + 1] = 'local ' .. begun end
    lines[#lines + 1] = begun and not inside and 'local ' .. own or own
  end
  return lines
end

-- Declarations: the names of lugger, `pg`, and what statements use before they set it.
local function declarations(names, pg)
  local lines = {}
  if #names.members > 0 then
    local from = {}
    for i, member in ipairs(names.members) do from[i] = 'lugger.' .. member end
    lines[1] = ('local %s = %s'):format(table.concat(names.members, ', '), table.concat(from, ', '))
  end
  if names.pg then lines[#lines + 1] = 'local pg = ' .. pg end
  local plain = {}
  for _, name in ipairs(names.first) do
    if _G[name] ~= nil then lines[#lines + 1] = ('local %s = %s'):format(name, name) else plain[#plain + 1] = name end
  end
  if #plain > 0 then lines[#lines + 1] = 'local ' .. table.concat(plain, ', ') end
  return lines
end

local function put(lines, more, indent)
  for _, line in ipairs(more) do lines[#lines + 1] = indent .. line end
end

local function head(name)
  return { ('-- %s: saved at the prompt on %s.'):format(name, os.date '!%Y-%m-%d'), "local lugger = require 'lugger'" }
end

local function script_text(name, kept, entries, new)
  local last = kept[#kept]
  local job, effects = last.code:match '^%s*([%a_][%w_]*)%s*:%s*run%s*%(%s*%)%s*$', 0
  for _, entry in ipairs(kept) do effects = effects + (entry.effect and 1 or 0) end
  local returned = job and effects == 1
  local names, lines = names_of(kept, entries), head(name)
  if returned then kept[#kept] = nil end
  put(lines, declarations(names, "require('lugger.prompt_pg').new()"), '')
  lines[#lines + 1] = ''
  put(lines, statements(kept, names, function(place) return ('pg.use(%s)'):format(place_text(place, new)) end, new), '')
  if returned then lines[#lines + 1] = ('\nreturn { %s, create = true }'):format(job) end
  return table.concat(lines, '\n') .. '\n'
end

local function migration_text(name, kept, entries, new)
  local main, by_name = save_places.main(kept), {}
  for i, entry in ipairs(kept) do
    by_name[i] = setmetatable({ code = save_places.in_code(entry, main) }, { __index = entry })
  end
  local names, lines = names_of(by_name, entries), head(name)
  lines[#lines + 1] = '\nreturn {\n  up = function(db, dbs)'
  put(lines, declarations(names, "require('lugger.prompt_pg').of_migration(db, dbs)"), '    ')
  put(lines, statements(by_name, names, function(place, first, number)
    if first then return nil end
    local other = save_places.name(place, main, number)
    return other and 'pg.use ' .. value_text.quote(other) or 'pg.use()'
  end, new), '    ')
  lines[#lines + 1] = '  end,\n  -- down = function(db) ... end: how it is reverted\n}'
  return table.concat(lines, '\n') .. '\n'
end

--- Writes the statements to a file: "name.lua" is a script, "name" a migration in migrations/.
---@param entries lugger.repl.entry[]
---@param name string
---@param first integer|nil
---@param last integer|nil
---@return string path
---@return integer statements
---@return string[] new names of variables that must be set before it runs
---@return lugger.repl.entry[] failed left out though they changed something
function repl_save.write(entries, name, first, last)
  local base = name:match '^(.*)%.lua$'
  local wanted = assert((base or name):match '[^/]*$')
  if not wanted:match '^[%w_%-]+$' then
    config.raise(('"%s" is not a file name'):format(name), ':save users makes a migration, :save users.lua a script')
  end
  local kept, failed = repl_save.kept(entries, first or 1, last or math.huge, not base)
  local new = {}
  if #kept == 0 then
    config.raise('there is nothing to save: no statement there did more than show something', ':history lists them')
  end
  local count, path = #kept, name
  local text
  if base then
    text = script_text(wanted, kept, entries, new)
  else
    path = ('migrations/%s_%s.lua'):format(os.date '!%Y%m%d%H%M%S', name)
    text = migration_text(name, kept, entries, new)
    system.make_dir 'migrations'
  end
  if system.stat(path) then config.raise(path .. ' is there already', 'give another name') end
  local made, problem = loadstring(text)
  if not made then config.raise('the statements do not stand together in one file: ' .. problem) end
  system.write_file(path, text)
  return path, count, new, failed
end

return repl_save
