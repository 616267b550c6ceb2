-- Completion for shells, made of the flags that the commands declare.
local cli = require 'lugger.inner.cli.cli'
local flags = require 'lugger.inner.cli.flags'
local script = require 'lugger.inner.script.script'

local shell_completion = {}

local function sentence(text)
  return (text:gsub('[%.;] .*$', ''):gsub('%s*%(default.*$', ''):gsub('%.$', ''))
end

-- Of a command with parts those of all parts.
local function flags_of(command)
  local list, seen = { { word = '--help', short = '-h', text = 'show help' } }, {}
  local function add(of)
    for _, flag in ipairs(of.flags or {}) do
      if not seen[flag[1]] then
        seen[flag[1]] = true
        list[#list + 1] = { word = '--' .. flag[1], short = flag.short and '-' .. flag.short, text = sentence(flag[2]),
          value = flag.value, choices = flag.choices }
      end
    end
  end
  add(command)
  for _, part in ipairs(flags.parts(command)) do add(flags.part(command, part)) end
  return list
end

local function words_of(list)
  local words = {}
  for _, flag in ipairs(list) do
    words[#words + 1] = flag.word
    if flag.short then words[#words + 1] = flag.short end
  end
  return table.concat(words, ' ')
end

local function each_command()
  local names, i = cli.commands(), 0
  return function()
    i = i + 1
    if names[i] then return names[i], cli.command(names[i]) end
  end
end

local function scripts_too(command)
  return command.takes_script and ' ' .. table.concat(script.bundled(), ' ') or ''
end

-- For a shell, places and scripts are files.
local bash_head = [==[
# Completion of lugger for bash: source it, or keep it in /usr/share/bash-completion/completions/lugger.
_lugger() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words= choices=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words="{commands}"
  else
    case $command in
]==]
local bash_tail = [==[
      */*|*.lua) words="{run}" ;;
    esac
    case $command:$prev in
{choices}    esac
    if [[ -n $choices ]]; then COMPREPLY=($(compgen -W "$choices" -- "$cur")); return; fi
    if [[ $cur != -* && ! $command =~ ^(help|completion|scripts)$ ]]; then words="${words##*| }"; fi
  fi
  COMPREPLY=($(compgen -W "${words//|/}" -- "$cur") $(compgen -f -- "$cur"))
}
complete -o filenames -F _lugger lugger
]==]

local function fill(text, values)
  return (text:gsub('{(%w+)}', values))
end

--- The script for bash.
---@return string
function shell_completion.bash()
  local cases, choices, run = {}, {}, ''
  for name, command in each_command() do
    local list = flags_of(command)
    local words = words_of(list)
    local extra = name == 'help' and table.concat(cli.commands(), ' ') or name == 'completion' and 'bash zsh fish'
      or command.parts and table.concat(flags.parts(command), ' ') or scripts_too(command)
    if name == 'run' then run = words end
    cases[#cases + 1] = ('      %s) words="%s | %s" ;;\n'):format(name, words, (extra:gsub('^ ', '')))
    for _, flag in ipairs(list) do
      if flag.choices then
        local of = ('%s:%s'):format(name, flag.word) .. (flag.short and ('|%s:%s'):format(name, flag.short) or '')
        choices[#choices + 1] = ('      %s) choices="%s" ;;\n'):format(of, table.concat(flag.choices, ' '))
      end
    end
  end
  return fill(bash_head, { commands = table.concat(cli.commands(), ' ') }) .. table.concat(cases)
    .. fill(bash_tail, { run = run, choices = table.concat(choices) })
end

local function zsh_text(text)
  return (text:gsub("'", "'\\''"):gsub('[%[%]:]', '\\%0'))
end

local function zsh_flag(flag)
  local argument = ''
  if flag.choices then
    argument = (':%s:(%s)'):format(zsh_text(flag.value), table.concat(flag.choices, ' '))
  elseif flag.value then
    argument = ':' .. zsh_text(flag.value) .. ':_files'
  end
  local lines = { ("'%s[%s]%s'"):format(flag.word, zsh_text(flag.text), argument) } ---@type string[]
  if flag.short then lines[2] = ("'%s[%s]%s'"):format(flag.short, zsh_text(flag.text), argument) end
  return table.concat(lines, ' ')
end

local zsh_head = [==[
#compdef lugger
# Completion of lugger for zsh: keep it as _lugger in a directory of $fpath.
_lugger() {
  local -a commands
  commands=(
]==]
local zsh_middle = [==[
  )
  if ((CURRENT == 2)); then
    _describe command commands
    _files
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  [[ $command == */* || $command == *.lua ]] && command=run
  case $command in
]==]

--- The script for zsh.
---@return string
function shell_completion.zsh()
  local out = { zsh_head }
  for name, command in each_command() do
    out[#out + 1] = ("    '%s:%s'\n"):format(name, zsh_text(sentence(command.summary)))
  end
  out[#out + 1] = zsh_middle
  for name, command in each_command() do
    local list = {}
    for _, flag in ipairs(flags_of(command)) do list[#list + 1] = zsh_flag(flag) end
    local rest = name == 'help' and "'*:command:(" .. table.concat(cli.commands(), ' ') .. ")'"
      or name == 'completion' and "'1:shell:(bash zsh fish)'" or command.parts and ("'1:command:(%s)' '*:file:_files'")
      :format(table.concat(flags.parts(command), ' ')) or "'*:file:_files'"
    out[#out + 1] = ('    %s) _arguments %s %s ;;\n'):format(name, table.concat(list, ' '), rest)
  end
  out[#out + 1] = '  esac\n}\n_lugger "$@"\n'
  return table.concat(out)
end

local function fish_text(text)
  return "'" .. text:gsub('\\', '\\\\'):gsub("'", "\\'") .. "'"
end

--- The script for fish.
---@return string
function shell_completion.fish()
  local out = { '# Completion of lugger for fish: keep it as lugger.fish in /usr/share/fish/vendor_completions.d.\n' }
  for name, command in each_command() do
    out[#out + 1] = ('complete -c lugger -n __fish_use_subcommand -a %s -d %s\n'):format(name,
      fish_text(sentence(command.summary)))
    if command.parts then
      out[#out + 1] = ("complete -c lugger -n '__fish_seen_subcommand_from %s' -f -a %s\n"):format(name,
        fish_text(table.concat(flags.parts(command), ' ')))
    end
    for _, flag in ipairs(flags_of(command)) do
      out[#out + 1] = ("complete -c lugger -n '__fish_seen_subcommand_from %s' -l %s%s%s%s -d %s\n"):format(name,
        flag.word:sub(3), flag.short and ' -s ' .. flag.short:sub(2) or '', flag.value and ' -r' or '',
        flag.choices and ' -f -a ' .. fish_text(table.concat(flag.choices, ' ')) or '', fish_text(flag.text))
    end
  end
  out[#out + 1] = ("complete -c lugger -n '__fish_seen_subcommand_from help' -f -a %s\n"):format(
    fish_text(table.concat(cli.commands(), ' ')))
  out[#out + 1] = "complete -c lugger -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n"
  return table.concat(out)
end

return shell_completion
