-- Output for people: streams, colours, numbers, durations. Data goes to standard output, messages to standard error.
local shown = require 'lugger.inner.base.shown'
local system = require('lugger.native').system

local terminal = {}

local events = false
---@type fun(text: string)|nil
local diverted -- where data goes instead of standard output
local spoken = function(text) return text end -- messages in the words of the one who reads them

local codes = { bold = '1', dim = '2', red = '31', green = '32', yellow = '33', cyan = '36' }

--- True when the stream is a terminal: 1 is standard output, 2 standard error.
---@param fd integer
---@return boolean
function terminal.is_terminal(fd)
  return system.isatty(fd) and true or false
end

--- The columns of the terminal; 80 without one.
---@return integer
function terminal.width()
  local width = system.width and system.width() or 0
  if not width or width <= 0 then return 80 end
  return math.max(40, width)
end

--- Wraps text in a colour when the stream is a terminal and NO_COLOR is not set.
---@param fd integer
---@param colour string
---@param text string
---@return string
function terminal.paint(fd, colour, text)
  local no_color = system.getenv('NO_COLOR')
  if not terminal.is_terminal(fd) or (no_color and no_color ~= '') or system.getenv('TERM') == 'dumb' then
    return text
  end
  return '\27[' .. codes[colour] .. 'm' .. text .. '\27[0m'
end

--- From here on data goes to a function; nil: to standard output again.
---@param write fun(text: string)|nil
function terminal.divert(write)
  diverted = write
end

--- Writes data to standard output. A failed write is reported at the end of the program, with its exit status; the
--- command continues, since it may do more than print.
---@param ... any
---@return boolean written false: nobody reads any further (`| head`), or the disk is full
function terminal.out(...)
  if diverted then
    for i = 1, select('#', ...) do diverted(tostring((select(i, ...)))) end
    return true
  end
  local written = true
  for i = 1, select('#', ...) do
    if not io.stdout:write(tostring((select(i, ...)))) then written = false end
  end
  return written
end

--- One line of data.
---@param ... any
function terminal.line(...)
  terminal.out(...)
  terminal.out('\n')
end

--- From here on everything on standard error is a JSON event (`--log json`).
function terminal.as_events()
  events = true
  system.as_events()
end

--- Writes one JSON object a line to standard error, without secrets.
---@param event string
---@param fields table
function terminal.event(event, fields)
  local object = { event = event }
  for key, value in pairs(fields) do object[key] = type(value) == 'string' and system.mask_text(value) or value end
  io.stdout:flush()
  io.stderr:write(require('lugger.inner.base.json_text').encode(object), '\n')
end

local function say(text)
  if events then
    if text ~= '' then terminal.event('message', { message = text }) end
    return
  end
  io.stdout:flush()
  io.stderr:write(system.mask_text(text), '\n')
end

--- Writes one line to standard error, without secrets.
---@param ... any
function terminal.say(...)
  local parts = {}
  for i = 1, select('#', ...) do parts[i] = tostring((select(i, ...))) end
  say(spoken(table.concat(parts)))
end

-- Messages are sentences: wrapped between words on a terminal, unchanged in a file.
local function tell(colour, title, text, event)
  text = system.mask_text(spoken(text)) -- before wrapping could split a password
  if events then return terminal.event(event, { message = text }) end
  if terminal.is_terminal(2) then
    local lines = {}
    for line in (title .. text .. '\n'):gmatch('(.-)\n') do
      lines[#lines + 1] = terminal.wrap(line, line:match('^%s*'), terminal.width())
    end
    text = table.concat(lines, '\n'):sub(#title + 1)
  end
  say(terminal.paint(2, colour, title) .. text)
end

--- Writes a warning to standard error.
---@param text string
function terminal.warn(text)
  tell('yellow', 'warning: ', text, 'warning')
end

local warned = {}

--- Writes a warning that the program has not yet written: jobs of one place share some of theirs, and the end of a run
--- has those of its plan.
---@param text string
function terminal.warn_once(text)
  if not warned[text] then terminal.warn(text) end
  warned[text] = true
end

--- Whether one of these warnings has not yet been written.
---@param warnings string[]
---@return boolean
function terminal.warns_anew(warnings)
  for _, text in ipairs(warnings) do
    if not warned[text] then return true end
  end
  return false
end

--- Begins anew, for the next statement at the prompt.
function terminal.forget_warnings()
  warned = {}
end

--- Messages are passed through a function: the prompt has other words for flags and commands than a shell.
---@param words fun(text: string): string
function terminal.speak(words)
  spoken = words
end

local script_line

--- The runtime does not know the script of a command, and says SCRIPT; from here on it is named.
---@param line string
function terminal.name_script(line)
  script_line = line
end

local function with_script(text)
  if not script_line then return text end
  return (text:gsub('(lugger %l+) SCRIPT', function(command) return command .. ' ' .. script_line end))
end

--- The text of an error, with its hint unless the message contains it.
---@param err any
---@return string
function terminal.error_text(err)
  local text = shown.error(err):gsub(' *\t *', ' ') -- libpq indents by tabs
  local hint = type(err) == 'table' and rawget(err, 'hint')
  if type(hint) == 'string' and hint ~= '' and not text:find(hint, 1, true) then text = text .. '; ' .. hint end
  return system.mask_text(with_script(text))
end

--- Writes an error to standard error.
---@param err any
function terminal.fail(err)
  local pointer = type(err) == 'table' and rawget(err, 'pointer')
  if not pointer or events then return tell('red', 'error: ', terminal.error_text(err), 'error') end
  tell('red', 'error: ', err.brief, 'error')
  terminal.say(pointer)
  if err.hint ~= '' then terminal.say('hint: ', err.hint) end
end

--- Writes to standard error a problem that prevents a run.
---@param text string
function terminal.obstacle(text)
  tell('red', 'problem: ', text, 'obstacle')
end

--- 1234567 -> "1,234,567".
---@param number number
---@return string
function terminal.group(number)
  local text = type(number) == 'number' and ('%.0f'):format(number) or tostring(number):gsub('U?LL$', '')
  local sign, digits = text:match('^(-?)(%d+)$')
  if not digits then return text end
  digits = digits:reverse():gsub('(%d%d%d)', '%1,'):reverse():gsub('^,', '')
  return sign .. digits
end

--- "1 document", "2 documents".
---@param number number
---@param word string
---@return string
function terminal.count(number, word)
  return terminal.group(number) .. ' ' .. word .. (tonumber(number) == 1 and '' or 's')
end

--- Bytes in powers of 1000, as in df -H: "1.2 MB".
---@param bytes number
---@return string
function terminal.bytes(bytes)
  local units = { 'B', 'kB', 'MB', 'GB', 'TB', 'PB' }
  local unit, value = 1, tonumber(bytes) --[[@as number]]
  while value >= 999.95 and unit < #units do
    value, unit = value / 1000, unit + 1
  end
  if unit == 1 then return ('%d B'):format(value) end
  return ('%.1f %s'):format(value, units[unit])
end

--- A duration for people: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min".
---@param seconds number
---@return string
function terminal.duration(seconds)
  if seconds < 9.95 then return ('%.1f s'):format(seconds) end
  local whole = math.floor(seconds + 0.5)
  if whole < 60 then return ('%d s'):format(whole) end
  if whole < 3600 then return ('%d min %d s'):format(math.floor(whole / 60), whole % 60) end
  local minutes = math.floor(whole / 60)
  if minutes < 48 * 60 then return ('%d h %d min'):format(math.floor(minutes / 60), minutes % 60) end
  return ('%d days %d h'):format(math.floor(minutes / 1440), math.floor(minutes / 60) % 24)
end

--- Makes text safe for a terminal: control characters are shown, never sent.
---@param text string
---@return string
function terminal.printable(text)
  text = text:gsub('[%z\1-\31\127]', function(char)
    local named = { ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
    return named[char] or ('\\x%02x'):format(char:byte())
  end)
  return (text:gsub('\194([\128-\159])', function(char) return ('\\u00%02x'):format(char:byte()) end))
end

--- A word quoted for a shell.
---@param word string
---@return string
function terminal.shell_quote(word)
  if word:find('^[%w_%-%./:=@,+%%]+$') then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- A forecast: "under a second", "about 3 min 20 s".
---@param seconds number
---@return string
function terminal.about(seconds)
  return seconds < 1 and 'under a second' or 'about ' .. terminal.duration(seconds)
end

--- Lines of at most `width` columns, wrapped between words, each with `indent` in front.
---@param text string
---@param indent string|nil
---@param width integer|nil
---@return string
function terminal.wrap(text, indent, width)
  indent, width = indent or '', width or math.min(terminal.width(), 100)
  local lines, current = {}, ''
  for word in text:gmatch('%S+') do
    if current ~= '' and #indent + #current + 1 + #word > width then
      lines[#lines + 1] = indent .. current
      current = word
    else
      current = current == '' and word or current .. ' ' .. word
    end
  end
  lines[#lines + 1] = indent .. current
  return table.concat(lines, '\n')
end

return terminal
