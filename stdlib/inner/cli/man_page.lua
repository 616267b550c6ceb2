-- The manual page, made of what the commands declare.
local cli = require 'lugger.inner.cli.cli'
local flags = require 'lugger.inner.cli.flags'
local native = require 'lugger.native'

local man_page = {}

local function escape(text)
  text = text:gsub('\\', '\\e'):gsub('%-', '\\-')
  return (text:gsub('^([%.\'])', '\\&%1'):gsub("\n([%.'])", '\n\\&%1'))
end

local function flag_text(flag)
  local names = '\\fB\\-\\-' .. escape(flag[1]) .. '\\fR'
  if flag.short then names = '\\fB\\-' .. flag.short .. '\\fR, ' .. names end
  if flag.value then names = names .. ' \\fI' .. escape(flag.value) .. '\\fR' end
  local choices = flag.choices and ' (' .. table.concat(flag.choices, ', ') .. ')' or ''
  return '.TP\n' .. names .. '\n' .. escape(flag[2] .. choices) .. '\n'
end

local function command_text(name, command)
  local words = { '\\fBlugger ' .. name .. '\\fR' }
  for _, argument in ipairs(command.arguments or {}) do
    local word = '\\fI' .. escape(argument[1]:upper()) .. '\\fR' .. (argument.many and ' ...' or '')
    words[#words + 1] = argument.optional and '[' .. word .. ']' or word
  end
  local out = { '.SS ' .. table.concat(words, ' ') .. '\n' .. escape(command.summary) .. '\n' }
  for _, argument in ipairs(command.arguments or {}) do
    out[#out + 1] = '.TP\n\\fI' .. escape(argument[1]:upper()) .. '\\fR\n' .. escape(argument[2]) .. '\n'
  end
  for _, flag in ipairs(command.flags or {}) do out[#out + 1] = flag_text(flag) end
  if command.more then out[#out + 1] = '.PP\n' .. escape(command.more) .. '\n' end
  if command.examples then
    out[#out + 1] = '.PP\n.nf\n' .. escape(table.concat(command.examples, '\n')) .. '\n.fi\n'
  end
  return table.concat(out)
end

local head = [==[
.TH LUGGER 1 "" "lugger {version}" "User commands"
.SH NAME
lugger \- move MongoDB dumps and exports into PostgreSQL, run migrations and fixes, a prompt for all of it
.SH SYNOPSIS
\fBlugger\fR \fICOMMAND\fR [arguments] [flags]
.br
\fBlugger\fR \fISCRIPT\fR.lua [flags]
.br
\fBlugger\fR
.br
\fBlugger \-e\fR \fICODE\fR [arguments]
.SH DESCRIPTION
What goes where is a Lua script; reading, converting and loading is native code. Without arguments the prompt opens;
a first argument
with a / or ending in .lua is a script. \fBlugger help\fR \fITOPIC\fR shows commands, the flags of a script,
functions and the pages
of the manual.
.SH COMMANDS
]==]

local tail = [==[
.SH EXIT STATUS
.TP
0
done
.TP
1
failed
.TP
2
the command line is wrong
.TP
3
done, but documents were rejected or suppressed
.TP
4
verification or lint found something
.TP
130
stopped; the command that resumes was printed
.SH ENVIRONMENT
.TP
PG_URI, MONGO_URI
where scripts read and write; also from .env and lugger.toml of the current directory
.TP
NO_COLOR
no colours
.TP
XDG_STATE_HOME
where the prompt keeps its history (lugger/history; else ~/.local/state)
.SH FILES
.TP
lugger.toml, .env
places by name, settings; in the current directory
.TP
\&.lugger/
state of targets that are no database, logs
]==]

--- The page as roff.
---@return string
function man_page.text()
  local parts = { (head:gsub('{version}', native.version)) }
  for _, name in ipairs(cli.commands()) do
    local command = assert(cli.command(name))
    if not command.parts then parts[#parts + 1] = command_text(name, command) end
    for _, part in ipairs(flags.parts(command)) do
      parts[#parts + 1] = command_text(name .. ' ' .. part, flags.part(command, part))
    end
  end
  parts[#parts + 1] = tail
  return table.concat(parts)
end

return man_page
