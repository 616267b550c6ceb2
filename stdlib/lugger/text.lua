-- UTF-8 text. Lua's own string functions count bytes and know ASCII alone.
local abi = require 'lugger.inner.base.abi'
local bytes = require 'lugger.inner.base.bytes'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local regex = require 'lugger.inner.base.regex'
local shown = require('lugger.inner.base.shown').value
local C = abi.C

---@class lugger.text
local text = {}

--- Upper case of every letter, as PostgreSQL's upper() has it: character by character, in no language's special way.
---@param s string
---@return string
function text.upper(s)
  return assert(abi.made(C.lug_text_case, bytes.text(s, 'lugger.text.upper'), 1))
end

--- Lower case of every letter, as PostgreSQL's lower() has it.
---@param s string
---@return string
function text.lower(s)
  return assert(abi.made(C.lug_text_case, bytes.text(s, 'lugger.text.lower'), 0))
end

--- How many characters there are. A byte that is not UTF-8 counts as one.
---@param s string
---@return integer
function text.len(s)
  s = bytes.text(s, 'lugger.text.len')
  return C.lug_text_length(s, #s)
end

--- Characters number `first` to `last`, as string.sub does with bytes: from 1, and from the end when negative.
---@param s string
---@param first integer
---@param last integer|nil the last character when not given
---@return string
function text.sub(s, first, last)
  s = bytes.text(s, 'lugger.text.sub')
  last = last or -1
  if first < 0 or last < 0 then
    local count = C.lug_text_length(s, #s)
    if first < 0 then first = count + first + 1 end
    if last < 0 then last = count + last + 1 end
  end
  first = math.max(first, 1)
  if last < first then return '' end
  local from = C.lug_text_offset(s, #s, first - 1)
  local left = s:sub(from + 1)
  return left:sub(1, C.lug_text_offset(left, #left, math.min(last - first + 1, #left)))
end

local ends = ffi.new 'uint32_t[2]'

--- Without white space at both ends, as Unicode has it: no-break and wide blanks, U+FEFF too.
---@param s string
---@return string
function text.trim(s)
  s = bytes.text(s, 'lugger.text.trim')
  C.lug_text_trim(s, #s, ends)
  return s:sub(ends[0] + 1, ends[1])
end

--- Whether the text begins with `start`.
---@param s string
---@param start string
---@return boolean
function text.starts_with(s, start)
  s, start = bytes.text(s, 'lugger.text.starts_with'), bytes.text(start, 'lugger.text.starts_with')
  return s:sub(1, #start) == start
end

--- Whether the text ends with `ending`.
---@param s string
---@param ending string
---@return boolean
function text.ends_with(s, ending)
  s, ending = bytes.text(s, 'lugger.text.ends_with'), bytes.text(ending, 'lugger.text.ends_with')
  return #s >= #ending and s:sub(#s - #ending + 1) == ending
end

-- Where a separator begins and ends, from a byte on.
---@param separator any
---@return fun(s: string, at: integer): integer|nil, integer
local function separators(separator)
  if regex.parts(separator) then
    return function(s, at)
      local first, last = separator:find(s, at)
      -- An empty match would cut between all characters without end.
      while first and last < first do first, last = separator:find(s, first + 1) end
      return first, last
    end
  end
  separator = bytes.text(separator, 'lugger.text.split')
  if separator == '' then fault.raise('config', 'lugger.text.split needs a separator') end
  return function(s, at) return s:find(separator, at, true) end
end

--- The parts between separators: 'a,,b' has three. The separator is plain text, or a regular expression.
---@param s string
---@param separator string|lugger.regex
---@param limit integer|nil at most so many parts: the last one holds the rest
---@return string[]
function text.split(s, separator, limit)
  s = bytes.text(s, 'lugger.text.split')
  local find, out, at = separators(separator), {}, 1
  while not limit or #out < limit - 1 do
    local first, last = find(s, at)
    if not first then break end
    out[#out + 1] = s:sub(at, first - 1)
    at = last + 1
  end
  out[#out + 1] = s:sub(at)
  return out
end

---@param width integer
local function filling(s, width, fill, name)
  local pad = fill == nil and ' ' or bytes.text(fill, name)
  if pad == '' then fault.raise('config', name .. ' needs something to fill with') end
  fault.check_whole(name .. '\'s width', width, 0)
  local missing = width - text.len(s)
  if missing <= 0 then return '' end
  return text.sub(pad:rep(math.ceil(missing / text.len(pad))), 1, missing)
end

--- Filled at its beginning up to a number of characters: pad_start(7, 5, '0') is 00007. Longer text stays as it is.
---@param s string|number
---@param width integer
---@param fill string|nil a blank when not given
---@return string
function text.pad_start(s, width, fill)
  s = bytes.text(s, 'lugger.text.pad_start')
  return filling(s, width, fill, 'lugger.text.pad_start') .. s
end

--- Filled at its end up to a number of characters.
---@param s string|number
---@param width integer
---@param fill string|nil a blank when not given
---@return string
function text.pad_end(s, width, fill)
  s = bytes.text(s, 'lugger.text.pad_end')
  return s .. filling(s, width, fill, 'lugger.text.pad_end')
end

local forms = { nfc = 0, nfd = 1, nfkc = 2, nfkd = 3 }

--- The text in a normal form of Unicode, so that the same letters are the same bytes. Raises when it is not UTF-8.
---@param s string
---@param form "nfc"|"nfd"|"nfkc"|"nfkd"|nil nfc when not given
---@return string
function text.normalise(s, form)
  s = bytes.text(s, 'lugger.text.normalise')
  local number = forms[form or 'nfc']
  if not number then
    fault.raise('config', ('Unicode has no normal form %s'):format(shown(form)), 'nfc, nfd, nfkc or nfkd')
  end
  return abi.made(C.lug_text_normal, s, number)
    or fault.raise('coerce', ('%s is not UTF-8'):format(shown(s)), 'lugger.text.is_utf8 tells before')
end

--- Whether all of it is UTF-8, as PostgreSQL takes it.
---@param s string
---@return boolean
function text.is_utf8(s)
  return native.system.is_utf8(bytes.text(s, 'lugger.text.is_utf8'))
end

return methods.module('lugger.text', text)
