-- Marks and file names of other migration tools. Read as plain SQL, both halves of such a file would run as `up`.
local config = require 'lugger.inner.cli.config'

local marks = {}

---@class lugger.migrate.mark
---@field tool string|nil nil: not known
---@field pattern string of a comment's text, in lower case, without the dashes and the blanks around it
---@field imports boolean|nil `lugger migrate import` reads it

local known = {
  { tool = 'goose', pattern = '^%+goose%s+up$', imports = true },
  { tool = 'goose', pattern = '^%+goose%s+down$', imports = true },
  { tool = 'dbmate', pattern = '^migrate:up%f[%s%z]', imports = true },
  { tool = 'dbmate', pattern = '^migrate:down%f[%s%z]', imports = true },
  { tool = 'sql-migrate', pattern = '^%+migrate%s+up%f[%s%z]', imports = true },
  { tool = 'sql-migrate', pattern = '^%+migrate%s+down%f[%s%z]', imports = true },
  { tool = 'rambler', pattern = '^rambler%s+up$', imports = true },
  { tool = 'rambler', pattern = '^rambler%s+down$', imports = true },
  { tool = 'micrate', pattern = '^%+micrate%s+up$' },
  { tool = 'micrate', pattern = '^%+micrate%s+down$' },
  { tool = 'sqitch', pattern = '^deploy%s+.+%s+to%s+pg$' },
  { tool = 'sqitch', pattern = '^revert%s+.+%s+from%s+pg$' },
  { tool = 'sqitch', pattern = '^verify%s+.+%s+on%s+pg$' },
  { tool = 'Liquibase', pattern = '^liquibase%s+formatted%s+sql' },
  { tool = 'Liquibase', pattern = '^changeset%s+[^%s:]+:' },
  { tool = 'MyBatis Migrations', pattern = '^//%s*@undo' },
  { tool = 'node-pg-migrate', pattern = '^up%s+migration' },
  { tool = 'node-pg-migrate', pattern = '^down%s+migration' },
  { tool = 'tern', pattern = '^create%s+above%s*/%s*drop%s+below' },
}

-- "==== UP ====", "[down]", "@undo", "!Ups", "-- up:": a line with only a direction and punctuation.
local directions = { up = true, ups = true, down = true, downs = true, undo = true, rollback = true }

local function decorated(text)
  local sign, word, behind = text:match('^(%p*)%s*(%a+)%s*(%p*)$')
  return word ~= nil and directions[word] and sign .. behind ~= ''
end

--- The mark on a line, or nil. `-- up` and `-- down` are lugger's own and not included.
---@param line string
---@return lugger.migrate.mark|nil
function marks.of_line(line)
  local text = line:match('^%s*%-%-+%s*(.-)[%s%-]*$')
  if not text then return nil end
  text = text:lower()
  for _, mark in ipairs(known) do
    if text:match(mark.pattern) then return mark end
  end
  if decorated(text) then return { tool = nil, pattern = '' } end
end

local function directory_of(path)
  return path:match('^(.*)/[^/]*$') or '.'
end

local by_hand = 'write `-- up` above what it does and `-- down` above what takes it back, each on a line of its own'

--- Raises for a line with a mark of another tool.
---@param mark lugger.migrate.mark
---@param path string
---@param line integer
---@param text string the line
function marks.refuse(mark, path, line, text)
  text = text:match('^%s*(.-)%s*$') --[[@as string]]
  if not mark.tool then
    config.raise(('%s:%d: is `%s` a mark? All of the file would run as `up`'):format(path, line, text), by_hand)
  end
  config.raise(('%s:%d: `%s` is a mark of %s, which is not read here: both halves of the file would run'):format(path,
    line, text, mark.tool), mark.imports and ('`lugger migrate import %s` takes the files over, and what the ledger of '
    .. '%s says is applied'):format(directory_of(path), mark.tool) or '`lugger migrate import` does not know '
    .. mark.tool .. ': ' .. by_hand)
end

local halves = { up = 'down', down = 'up', ['do'] = 'undo', undo = 'do', rollback = '' }

-- The tool whose naming splits a migration into two files, and whether the name alone proves it.
local function tool_of(name, has)
  if name:match('^[VU]%d[%d._]*__.+%.sql$') then return 'Flyway', true end
  local head, sign, half = name:match('^(%d.*)([.-])(%l+)%.sql$')
  if not half or halves[half] == nil then return nil end
  if sign == '.' and (half == 'up' or half == 'down') and head:match('^%d+_.') then return 'golang-migrate', true end
  -- shut-down.sql is an ordinary name unless shut-up.sql exists too.
  local other = half == 'rollback' and head .. '.sql' or head .. sign .. halves[half] .. '.sql'
  if sign == '.' or has[other] then return 'another tool', false end
end

--- Raises for files of a tool that keeps the two directions in two files.
---@param directory string
---@param names string[]
function marks.refuse_names(directory, names)
  local has = {}
  for _, name in ipairs(names) do has[name] = true end
  for _, name in ipairs(names) do
    local tool, imports = tool_of(name, has)
    if tool then
      config.raise(('%s/%s is named as %s names its files, which are not read here'):format(directory, name, tool),
        imports and ('`lugger migrate import %s` takes them over, and what the ledger of %s says is applied'):format(
          directory, tool)
        or 'put both directions into one file, VERSION_name.sql: ' .. by_hand)
    end
  end
end

--- True for a migration file that is program code for another tool.
---@param name string
---@return boolean
function marks.is_code(name)
  local kind = name:match('^%d+_.+%.(%l+)$')
  return kind == 'rb' or kind == 'py' or kind == 'js' or kind == 'ts' or kind == 'php' or kind == 'exs' or kind == 'go'
end

return marks
