-- A value in a message: what kind it is, and what it holds when that is short.
local native = require 'lugger.native'

local shown = {}

--- '"12abc"', 'nan', 'null', 'true', 'a table'.
---@param v any
---@return string
function shown.value(v)
  local kind = type(v)
  if kind == 'string' then return ('"%s"'):format(#v > 60 and v:sub(1, 57) .. '...' or v) end
  if kind == 'number' and v ~= v then return 'nan' end -- the sign that printf gives it differs by machine
  if kind == 'nil' or kind == 'number' or kind == 'boolean' or v == native.null then return tostring(v) end
  if kind == 'cdata' then
    local text = tostring(v)
    return #text <= 60 and text or text:sub(1, 57) .. '...'
  end
  return 'a ' .. kind
end

local kMost = 500

-- The fields of a table in order: what ipairs gives, then by name. `but` are keys that are left out.
local function fields_of(t, depth, but, between)
  local out, names = {}, {}
  for _, v in ipairs(t) do out[#out + 1] = depth(v) end
  for key in next, t do
    local listed = type(key) == 'number' and key >= 1 and key <= #out and key % 1 == 0
    if not listed and not but[key] then names[#names + 1] = key end
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(names) do
    local name = type(key) == 'string' and key or ('[%s]'):format(tostring(key))
    out[#out + 1] = name .. between .. depth(rawget(t, key))
  end
  return table.concat(out, ', ')
end

local function content(v, levels)
  if type(v) ~= 'table' or levels == 0 then return shown.value(v) end
  local text = fields_of(v, function(one) return content(one, levels - 1) end, {}, ' = ')
  return text == '' and '{}' or '{ ' .. text .. ' }'
end

local no_details = { message = true, hint = true, notes = true }

local function detail(v)
  if type(v) == 'string' then return v end
  return content(v, 2)
end

--- What a raised value says that may be no error object of lugger: what its __tostring gives; of a table its message,
--- with what else is in it, or its content.
---@param err any
---@return string
function shown.error(err)
  local kind, meta = type(err), debug.getmetatable(err)
  if kind == 'string' then return err end
  if kind == 'cdata' or type(meta) == 'table' and rawget(meta, '__tostring') then
    local ok, text = pcall(tostring, err)
    if ok and type(text) == 'string' and text ~= '' then return text end
  end
  if kind ~= 'table' then return 'an error that is ' .. (kind == 'nil' and 'nil' or shown.value(err)) end
  local message, rest = rawget(err, 'message'), fields_of(err, detail, no_details, ' ')
  local told = type(message) == 'string' or type(message) == 'number'
  local text = told and message .. (rest == '' and '' or (' (%s)'):format(rest)) or content(err, 3)
  return #text > kMost and text:sub(1, kMost) .. '...' or text
end

return shown
