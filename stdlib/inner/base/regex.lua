-- Regular expressions (PCRE2) as objects with the methods that Lua's string functions have for its own patterns.
local abi = require 'lugger.inner.base.abi'
local bytes = require 'lugger.inner.base.bytes'
local codec = require 'lugger.inner.base.codec'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local shown = require('lugger.inner.base.shown').value
local C = abi.C

local regex = {}

---@class lugger.regex
---@field pattern string
---@field flags string its letters, sorted
local class = {}
local meta = { __index = class, __name = 'regex',
  lugger_bson = function(self) return 11, self.pattern .. '\0' .. self.flags .. '\0' end }

local span, number_out = ffi.new 'uint32_t[2]', ffi.new 'uint32_t[1]'
local words = ffi.new 'char[1024]'
local handles = setmetatable({}, { __mode = 'k' }) -- what is compiled, by its object
local group_names = setmetatable({}, { __mode = 'k' })
local known = setmetatable({}, { __mode = 'v' }) -- objects by flags and pattern

local function compile(pattern, flags)
  local handle = C.lug_regex_new(pattern, #pattern, flags, #flags, words, 1024)
  if handle == nil then
    local message, hint = ffi.string(words):match '^(.-)\n(.*)$'
    fault.raise('config', message or ffi.string(words), hint)
  end
  return ffi.gc(handle, C.lug_regex_free)
end

local function names_of(handle)
  local out, index = {}, 0
  while true do
    local name = C.lug_regex_name(handle, index, number_out)
    if name == nil then return out end
    out[ffi.string(name)] = number_out[0]
    index = index + 1
  end
end

-- Pattern and flags of a value of BSON that is a regular expression; nil for anything else.
local function parts_of(v)
  if getmetatable(v) == meta then return v.pattern, v.flags end
  if codec.type(v) == 'regex' and type(v) == 'cdata' then
    local pattern, flags = ffi.string(v.data, v.size):match '^(.-)%z(.*)%z$' ---@cast flags string
    return pattern, (flags:gsub('u', ''))
  end
end

--- A regular expression, compiled once. flags: some of i, m, s, x.
---@param pattern string|lugger.regex|lugger.typed
---@param flags string|nil
---@return lugger.regex
function regex.new(pattern, flags)
  if type(pattern) ~= 'string' then
    local text, own = parts_of(pattern)
    if not text then fault.raise('config', ('a regular expression cannot be read from %s'):format(shown(pattern))) end
    pattern, flags = text, flags or own
  end
  if flags ~= nil and type(flags) ~= 'string' then
    fault.raise('config', ('flags of a regular expression are text, not %s'):format(shown(flags)), "as in 'i'")
  end
  local letters, seen = {}, {}
  for letter in (flags or ''):gmatch '.' do
    if not seen[letter] then letters[#letters + 1] = letter end
    seen[letter] = true
  end
  table.sort(letters)
  local sorted = table.concat(letters)
  local id = sorted .. '/' .. pattern
  if known[id] then return known[id] end
  local handle = compile(pattern, sorted)
  local self = setmetatable({ pattern = pattern, flags = sorted }, meta)
  handles[self], group_names[self], known[id] = handle, names_of(handle), self
  return self
end

--- Pattern and flags of a regular expression, by which it can be made again elsewhere; nil for anything else.
---@param v any
---@return string|nil, string|nil
function regex.parts(v)
  if type(v) == 'table' and getmetatable(v) == meta then return v.pattern, v.flags end
end

-- Searches from an offset (from 0).
local function search(self, text, from, not_empty)
  local got = C.lug_regex_search(handles[self], text, #text, from, not_empty and 1 or 0)
  if got < 0 then
    C.lug_regex_told(got, words, 1024)
    fault.raise('config', ('the regular expression %s %s'):format(shown(self.pattern), ffi.string(words)),
      'write it so that a text can match in one way only: (a+)+ tries all of them')
  end
  return got > 0
end

local function captured(self, text, number)
  if C.lug_regex_group(handles[self], number, span) == 0 then return nil end
  return text:sub(span[0] + 1, span[1])
end

-- What a match gives: its groups, or all of it where the pattern has none.
local function values(self, text)
  local count = C.lug_regex_groups(handles[self])
  if count == 0 then return captured(self, text, 0) end
  if count == 1 then return captured(self, text, 1) end
  local out = {}
  for i = 1, count do out[i] = captured(self, text, i) end
  return unpack(out, 1, count)
end

-- The offset that string.find's third argument means; nil: behind the text.
local function offset(text, init)
  local at = init or 1
  if at < 0 then at = math.max(#text + at + 1, 1) end
  if at == 0 then at = 1 end
  return at <= #text + 1 and at - 1 or nil
end

--- Whether it matches somewhere in the text.
---@param text string
---@return boolean
function class:test(text)
  return search(self, bytes.text(text, 'regex:test'), 0)
end

--- The groups of the first match, as string.match gives them: all of it when there are no groups; nil when nothing
--- matches. A group that took no part is nil.
---@param text string
---@param init integer|nil the byte to begin at; 1 when not given
---@return string? ...
function class:match(text, init)
  text = bytes.text(text, 'regex:match')
  local from = offset(text, init)
  if from and search(self, text, from) then return values(self, text) end
end

--- Where the first match begins and ends, in bytes, and its groups; nil when nothing matches.
---@param text string
---@param init integer|nil
---@return integer|nil, integer|nil, string|nil ...
function class:find(text, init)
  text = bytes.text(text, 'regex:find')
  local from = offset(text, init)
  if not (from and search(self, text, from)) then return nil end
  C.lug_regex_group(handles[self], 0, span)
  local first, last = span[0] + 1, span[1]
  if C.lug_regex_groups(handles[self]) == 0 then return first, last end
  return first, last, values(self, text)
end

--- The first match as a table: [0] is all of it, [1], [2], ... and names are its groups; nil when nothing matches.
---@param text string
---@param init integer|nil
---@return table<integer|string, string>|nil
function class:groups(text, init)
  text = bytes.text(text, 'regex:groups')
  local from = offset(text, init)
  if not (from and search(self, text, from)) then return nil end
  local out = {}
  for i = 0, C.lug_regex_groups(handles[self]) do out[i] = captured(self, text, i) end
  for name, number in pairs(group_names[self]) do out[name] = out[name] or out[number] end
  return out
end

-- How many bytes the character at an offset has.
local function character_size(text, at)
  local size = 1
  while size < 4 do
    local byte = text:byte(at + size + 1)
    if not byte or byte < 0x80 or byte > 0xBF then break end
    size = size + 1
  end
  return size
end

-- Goes over all matches: begin and end as offsets. Behind an empty match there must be one that is not empty, or the
-- search goes on a character further, as Perl does it.
local function each_match(self, text)
  local at, empty = 0, false
  return function()
    while at <= #text do
      if search(self, text, at, empty) then
        C.lug_regex_group(handles[self], 0, span)
        local first, last = span[0], span[1]
        at, empty = last, first == last
        return first, last
      end
      if not empty then at = #text end
      at, empty = at + (at < #text and character_size(text, at) or 1), false
    end
  end
end

local function false_for_nil(first, ...)
  if first == nil then return false, ... end
  return first, ...
end

--- Goes over all matches: `for year, month in re:gmatch(text) do`. The first value is false for a group that took no
--- part, because nil would end the loop.
---@param text string
---@return fun(): string|false|nil ...
function class:gmatch(text)
  text = bytes.text(text, 'regex:gmatch')
  local next_match = each_match(self, text)
  return function()
    if next_match() then return false_for_nil(values(self, text)) end
  end
end

-- The replacement as pieces: text, or the number of a group.
local function template(self, text)
  local out, at, count = {}, 1, tonumber(C.lug_regex_groups(handles[self]))
  local function refuse(what)
    fault.raise('config', ('%s in a replacement'):format(what), '%0 is the match, %1 a group, %{name} too, %% is a %')
  end
  while at <= #text do
    local mark = text:find('%', at, true)
    if (mark or #text + 1) > at then out[#out + 1] = text:sub(at, (mark or #text + 1) - 1) end
    if not mark then break end
    local letter, name = text:sub(mark + 1, mark + 1), text:match('^{([^}]*)}', mark + 1)
    local number = name and (group_names[self][name] or tonumber(name)) or tonumber(letter)
    if letter == '%' then
      out[#out + 1] = '%'
    elseif number == 1 and count == 0 then
      out[#out + 1] = 0
    elseif number and number <= count then
      out[#out + 1] = number
    else
      refuse(('there is no %s'):format(shown(name and '%{' .. name .. '}' or '%' .. letter)))
    end
    at = mark + (name and #name + 3 or 2)
  end
  return out
end

local function replaced(given, all)
  if given == nil or given == false then return all end
  if type(given) == 'string' or type(given) == 'number' then return tostring(given) end
  fault.raise('config', ('a match is replaced by text, not by %s'):format(shown(given)),
    'give text, or nil to leave it as it is')
end

-- What replaces the match under way.
local function replacement(self, text, by, pieces)
  local all = captured(self, text, 0)
  if type(by) == 'function' then return replaced(by(values(self, text)), all) end
  if type(by) == 'table' then
    local key = (values(self, text))
    return replaced(key ~= nil and by[key] or nil, all)
  end
  local out = {}
  for i, piece in ipairs(pieces) do
    out[i] = type(piece) == 'string' and piece or captured(self, text, piece) or ''
  end
  return table.concat(out)
end

--- Replaces all matches, or the first `count`, as string.gsub does. `by` is text with %0, %1, %{name} for groups, a
--- table asked by the first group, or a function that gets the groups; nil and false leave the match as it is.
---@param text string
---@param by string|table<string, string>|fun(...: string|nil): string|nil
---@param count integer|nil
---@return string, integer
function class:gsub(text, by, count)
  text = bytes.text(text, 'regex:gsub')
  if type(by) == 'number' then by = tostring(by) end
  if type(by) ~= 'string' and type(by) ~= 'table' and type(by) ~= 'function' then
    fault.raise('config', ('a match is replaced by text, a table or a function, not by %s'):format(shown(by)))
  end
  local pieces = type(by) == 'string' and template(self, by) or nil
  local out, done, at = {}, 0, 0
  local next_match = each_match(self, text)
  while not count or done < count do
    local first, last = next_match()
    if not first then break end
    out[#out + 1] = text:sub(at + 1, first)
    out[#out + 1] = replacement(self, text, by, pieces)
    at, done = last, done + 1
  end
  out[#out + 1] = text:sub(at + 1)
  return table.concat(out), done
end

methods.check('regex', class, meta)

function meta.__tostring(self)
  return ('/%s/%s'):format(self.pattern, self.flags)
end

function meta.__eq(a, b)
  return regex.parts(a) ~= nil and a.pattern == b.pattern and a.flags == b.flags
end

meta.__concat = methods.concat

return regex
