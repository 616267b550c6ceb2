-- Parses command lines: what belongs to the command, what to the script, and errors. Commands declare their flags as
-- data.
---@diagnostic disable-next-line: unresolved-require -- a library that is built in, without annotations
local argparse = require 'argparse'
local terminal = require 'lugger.inner.view.terminal'

local flags = {}

---@class lugger.flag
---@field [1] string name, as in "on-conflict"
---@field [2] string help, one sentence
---@field short string|nil one letter
---@field value string|nil what the value is called; without it the flag takes none
---@field type "int"|"number"|nil
---@field least integer|nil the smallest "int" it takes; 0 when not given
---@field choices string[]|nil
---@field many boolean|nil may be repeated
---@field yields boolean|nil behind a script that declares a flag of this name it is the script's

---@class lugger.command
---@field summary string
---@field usage string|nil
---@field arguments { [1]: string, [2]: string, optional: boolean?, many: boolean? }[]|nil
---@field flags lugger.flag[]|nil
---@field more_arguments integer|nil arguments behind the script that are the command's own
---@field pass_on boolean|nil takes its words as they are, in `rest` behind `place`
---@field takes_script boolean|nil the first argument is a script; flags unknown to the command are the script's
---@field more string|nil paragraphs below its flags
---@field examples string[]|nil
---@field parts { [1]: string, [2]: string }[]|nil it is several commands: the name of each, and its module
---@field run fun(args: table): integer

--- Raises a usage error, which gives exit status 2.
---@param message string
---@param hint string|nil
---@return never
function flags.usage_error(message, hint)
  error(setmetatable({ usage = true, message = message, hint = hint }, { __tostring = function(self)
    return self.message .. (self.hint and '; ' .. self.hint or '')
  end }), 0)
end

--- The names of the parts of a command.
---@param command lugger.command
---@return string[]
function flags.parts(command)
  local names = {}
  for i, part in ipairs(command.parts or {}) do names[i] = part[1] end
  return names
end

--- The part of a command that is called so, or nil.
---@param command lugger.command
---@param name string
---@return lugger.command|nil
function flags.part(command, name)
  for _, part in ipairs(command.parts or {}) do
    if part[1] == name then return require(part[2]) end
  end
end

local function is_flag(word)
  return word:sub(1, 1) == '-' and #word > 1 and not word:match('^%-%d')
end

local function by_word(command)
  local known = {}
  for _, flag in ipairs(command.flags or {}) do
    known['--' .. flag[1]] = flag
    if flag.short then known['-' .. flag.short] = flag end
  end
  return known
end

--- The flags of a command as a set of words: scripts may not declare these.
---@param command lugger.command
---@return table<string, boolean>
function flags.reserved(command)
  local words = { ['--help'] = true }
  for word, flag in pairs(by_word(command)) do
    if not flag.yields then words[word] = true end
  end
  return words
end

-- How many words a flag uses: "-j 2" two; "-j2", "--jobs=2" and "--create" one; nil when the command has no such flag.
local function words_of(known, word)
  if not is_flag(word) then return nil end
  local name = word:match('^(%-%-[^=]+)=')
  if name then return known[name] and 1 or nil end
  if known[word] then return known[word].value and 2 or 1 end
  return word:sub(2, 2) ~= '-' and known[word:sub(1, 2)] and 1 or nil
end

-- A script that works with `run` must work with every command. So if both have a flag of the same name, the script's
-- wins.
local function is_scripts(known, word, script_name)
  local flag = is_flag(word) and known[word:match('^(%-%-[^=]+)=') or word]
  if not (flag and flag.yields and script_name) then return false end
  for _, option in ipairs(require('lugger.inner.script.script').about(script_name).options or {}) do
    if option.flag == '--' .. flag[1] then return true end
  end
  return false
end

-- After the script, words that are not flags of the command belong to the script, in order.
local function split(command, words)
  if not command.takes_script then return words, {} end
  local known, own, rest = by_word(command), {}, {}
  local arguments, at, script_name = 1 + (command.more_arguments or 0), 1, nil
  while at <= #words do
    local count = not is_scripts(known, words[at], script_name) and words_of(known, words[at]) or nil
    local script_seen = arguments <= (command.more_arguments or 0)
    local mine = count or not script_seen or (arguments > 0 and not is_flag(words[at]) and #rest == 0)
    if not count and mine and not is_flag(words[at]) then
      arguments = arguments - 1
      script_name = script_name or words[at]
    end
    for i = at, math.min(#words, at + (count or 1) - 1) do table.insert(mine and own or rest, words[i]) end
    at = at + (count or 1)
  end
  return own, rest
end

local function converter(flag)
  if flag.type == 'int' then
    return function(text)
      local number = text:match('^%d+$') and tonumber(text)
      if not number then return nil, ('--%s takes a whole number, not "%s"'):format(flag[1], text) end
      if number < (flag.least or 0) then
        return nil, ('--%s takes a whole number from %d, not %s'):format(flag[1], flag.least, text)
      end
      return number
    end
  elseif flag.type == 'number' then
    return function(text)
      local number = tonumber(text)
      if not number then return nil, ('--%s takes a number, not "%s"'):format(flag[1], text) end
      return number
    end
  end
end

local function key_of(name)
  return (name:gsub('-', '_'))
end

local function build(name, command)
  local parser = argparse('lugger ' .. name, command.summary):add_help(false)
  parser:usage_max_width(80):help_max_width(80)
  for _, argument in ipairs(command.arguments or {}) do
    local element = parser:argument(argument[1], argument[2])
    element:args(argument.many and (argument.optional and '*' or '+') or (argument.optional and '?' or 1))
  end
  for _, flag in ipairs(command.flags or {}) do
    local names = (flag.short and '-' .. flag.short .. ' ' or '') .. '--' .. flag[1]
    if flag.value then
      local option = parser:option(names, flag[2]):argname(flag.value):target(key_of(flag[1]))
      if flag.choices then option:choices(flag.choices) end
      local convert = converter(flag)
      if convert then option:convert(convert) end
      if flag.many then option:count('*') end
    else
      parser:flag(names, flag[2]):target(key_of(flag[1]))
    end
  end
  return parser
end

--- Parses the words after a command's name. The script's words are in `script_arguments`; `help` is set for -h and
--- --help.
---@param name string
---@param command lugger.command
---@param words string[]
---@return table
function flags.parse(name, command, words)
  for i, word in ipairs(words) do
    if word == '--' or (command.pass_on and i > 1) then break end
    if word == '--help' or word == '-h' then return { help = true, words = words } end
  end
  if command.pass_on then
    local named = words[1] and not is_flag(words[1])
    return { place = named and words[1] or nil, rest = { unpack(words, named and 2 or 1) }, script_arguments = {} }
  end
  local own, rest = split(command, words)
  local ok, result = build(name, command):pparse(own)
  if not ok then
    local message = tostring(result):gsub('\n', '; '):gsub("'", '"'):gsub('; Did you',
      '; did you'):gsub('^unknown option', 'unknown flag')
    flags.usage_error(message, ('lugger help %s lists its flags'):format(name))
  end
  result.script_arguments = rest
  return result
end

local help_at = 24 -- the column where explanations begin

local function explained(head, text)
  local lines = terminal.wrap(text, (' '):rep(help_at), 80)
  if #head + 2 > help_at then return head .. '\n' .. lines end
  return head .. lines:sub(#head + 1)
end

--- Help of a command.
---@param name string
---@param command lugger.command
---@return string
function flags.help(name, command)
  local usage = command.parts and ('Usage: lugger %s COMMAND ...'):format(name) or build(name, command):get_usage()
  local lines = { terminal.wrap(command.summary, '', 80), '', usage, '' }
  for _, argument in ipairs(command.arguments or {}) do
    lines[#lines + 1] = explained('  ' .. argument[1], argument[2])
  end
  for _, part in ipairs(flags.parts(command)) do
    lines[#lines + 1] = explained('  ' .. part, assert(flags.part(command, part)).summary)
  end
  for _, flag in ipairs(command.flags or {}) do
    local head = ('  %s--%s%s'):format(flag.short and '-' .. flag.short .. ', ' or '', flag[1], flag.value and ' '
      .. flag.value or '')
    local choices = flag.choices and ' (' .. table.concat(flag.choices, ', ') .. ')' or ''
    lines[#lines + 1] = explained(head, flag[2] .. choices)
  end
  for line in ((command.more or '') .. '\n'):gmatch('([^\n]+)\n') do
    lines[#lines + 1] = '\n' .. terminal.wrap(line, '', 80)
  end
  if command.parts then
    lines[#lines + 1] = ('\n`lugger %s COMMAND --help` shows the flags of each.'):format(name)
  end
  if command.examples then lines[#lines + 1] = '\nexamples:\n  ' .. table.concat(command.examples, '\n  ') end
  return table.concat(lines, '\n')
end

return flags
