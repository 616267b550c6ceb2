-- `migrate squash`: one file in place of all applied migrations. With pg_dump it is the present schema; without it, the
-- SQL files in sequence.
local config = require 'lugger.inner.cli.config'
local files = require 'lugger.inner.migrate.files'
local native = require 'lugger.native'
local status = require 'lugger.inner.migrate.status'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local squash = {}

---@type table<string, boolean>
local data_tags = { InsertStmt = true, UpdateStmt = true, DeleteStmt = true, MergeStmt = true, CopyStmt = true }

local function writes_data(migration)
  if migration.kind == 'lua' then return true end
  for _, part in ipairs(migration:body().up) do
    for _, st in ipairs(part.statements) do
      if data_tags[st.tag] then return true end
    end
  end
  return false
end

-- Removes pg_dump's settings, which would outlast the migration, and psql's own commands, which are not SQL.
local function plain_sql(text)
  local lines = {}
  for line in text:gmatch('(.-)\n') do
    local drop = line:match('^SET ') or line:match('^\\') or line:match("^SELECT pg_catalog%.set_config%('search_path'")
    if not drop then lines[#lines + 1] = line end
  end
  return (table.concat(lines, '\n'):gsub('\n\n\n+', '\n\n'))
end

local program = 'exec pg_dump --schema-only --no-owner --exclude-schema="$SCHEMA" "$FROM" > "$OUT"'

local function dump(run)
  local out, from, password = os.tmpname(), native.pg_program_place(run.main.place)
  local ended = system.spawn({ 'sh', '-c', program }, { FROM = from, OUT = out, PGPASSWORD = password,
    SCHEMA = '"' .. run.options.schema .. '"' })
  local text = ended == 0 and system.read_file(out)
  os.remove(out)
  if not text then config.raise('pg_dump failed; what it says stands above') end
  return plain_sql(text)
end

local function joined(chosen)
  local parts = {}
  for i, item in ipairs(chosen) do
    local migration = item.migration
    if migration.kind == 'lua' then
      config.raise(('%s is Lua, and cannot be joined with the others'):format(migration.path),
        'install pg_dump (package postgresql-client): then the schema itself becomes the file')
    end
    local texts = {}
    for k, st in ipairs(migration:body().up[1].statements) do
      if not st.transactional then
        config.raise(('%s:%d cannot run in a transaction, so it cannot be joined'):format(migration.path,
          st.line), 'install pg_dump (package postgresql-client)')
      end
      texts[k] = st.text .. ';' .. (st.data and '\n' .. st.data .. '\\.' or '')
    end
    parts[i] = ('-- from %s\n%s'):format(migration.file, table.concat(texts, '\n'))
  end
  return table.concat(parts, '\n\n') .. '\n'
end

local header = '-- lugger: squashed %s\n-- lugger: allow missing-down because a squash has no way back\n-- up\n%s'

local function choose(items, last)
  local chosen = {}
  local version = require 'lugger.inner.migrate.version'
  for _, item in ipairs(items) do
    if item.state == 'applied' and not (last and version.before(last, item.version)) then
      chosen[#chosen + 1] = item
    elseif item.state ~= 'pending' and item.state ~= 'squashed' and item.state ~= 'applied' then
      config.raise(('%s_%s is %s: %s'):format(item.version, item.name, item.state, item.explain or ''),
        'squash when files and ledger agree')
    end
  end
  if #chosen < 2 then config.raise('there is nothing to squash', 'at least two migrations must be applied') end
  return chosen
end

local function all_versions(chosen)
  local list = {}
  for _, item in ipairs(chosen) do
    -- A squash of squashes replaces all that those replaced.
    for number in (item.migration.squashed or ''):gmatch('%d+') do list[#list + 1] = number end
    if not item.migration.squashed then list[#list + 1] = item.version end
  end
  return table.concat(list, ' ')
end

local function has_pg_dump()
  return system.spawn { 'sh', '-c', 'command -v pg_dump >/dev/null' } == 0
end

local function put_aside(directory, chosen)
  local aside = directory .. '/squashed'
  system.make_dir(aside)
  for _, item in ipairs(chosen) do
    local ok, problem = os.rename(item.migration.path, aside .. '/' .. item.migration.file)
    if not ok then config.raise('cannot move ' .. problem) end
  end
  return aside
end

--- Makes one file from the applied migrations and moves the old files away.
---@param run lugger.migrate.run
---@param items lugger.migrate.item[]
---@param last string|nil as far as this version
---@return integer status
function squash.run(run, items, last)
  if last then status.find(items, last) end
  local chosen, applied = choose(items, last), choose(items)
  local whole = #chosen == #applied and has_pg_dump()
  local newest = chosen[#chosen].migration
  local text = header:format(
    all_versions(chosen), whole and dump(run) or joined(chosen))
  local names = {}
  for _, item in ipairs(whole and chosen or {}) do
    if writes_data(item.migration) then names[#names + 1] = item.migration.file end
  end
  local aside = put_aside(run.options.dir, chosen)
  local path = ('%s/%s_squashed.sql'):format(run.options.dir, newest.version)
  files.write(path, text)
  run.ledger:write { version = newest.version, name = 'squashed', checksum = system.sha256(text), direction = 'squash',
    state = 'done' }
  terminal.line(path)
  terminal.say(terminal.count(#chosen, 'migration'), ' squashed; the old files are in ', aside)
  if #names > 0 then
    terminal.warn('it holds the schema alone; rows that these wrote are not in it: ' .. table.concat(names, ', '))
  end
  return 0
end

return squash
