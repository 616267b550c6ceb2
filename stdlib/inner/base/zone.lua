-- Time zones by their numbers (runtime/base/zone.hpp).
local abi = require 'lugger.inner.base.abi'
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local shown = require('lugger.inner.base.shown').value
local C = abi.C

local zone = { utc = 0 }

local numbers = { UTC = zone.utc }

local function known_names()
  local names = { 'UTC' }
  for name in abi.text(function(out, room) return C.lug_zone_names(out, room) end):gmatch '[^\n]+' do
    names[#names + 1] = name
  end
  return names
end

-- The name that is meant, also when only the city is written.
local function near(name)
  local wanted, names = name:lower():gsub(' ', '_'), known_names()
  for _, known in ipairs(names) do
    local lower = known:lower()
    if lower == wanted or lower:match '[^/]*$' == wanted then return known end
  end
  return native.system.nearest(name, names)
end

--- The number of a zone by its name: "Europe/Berlin".
---@param name string
---@return integer
function zone.number(name)
  if numbers[name] then return numbers[name] end
  local number = type(name) == 'string' and C.lug_zone_find(name, #name) or 0
  if number < 0 then
    fault.raise('config', ('the time zone %s cannot be looked up: no time zones are installed'):format(name),
      'install the package tzdata, or set TZDIR')
  elseif number == 0 then
    local meant = type(name) == 'string' and near(name) or ''
    fault.raise('coerce', ('there is no time zone %s'):format(shown(name)), meant and meant ~= ''
      and ('did you mean %s?'):format(meant) or "zones have names like 'Europe/Berlin' and 'UTC'")
  end
  numbers[name] = number
  return number
end

--- Its name.
---@param number integer
---@return string
function zone.name(number)
  if number == zone.utc then return 'UTC' end
  return abi.text(function(out, room) return C.lug_zone_name(number, out, room) end)
end

--- "CEST".
---@param number integer
---@param seconds integer|ffi.cdata* since 1970
---@return string
function zone.abbreviation(number, seconds)
  if number == zone.utc then return 'UTC' end
  return abi.text(function(out, room) return C.lug_zone_abbreviation(number, seconds, out, room) end)
end

--- "+02:00"; with seconds where local time of old had them.
---@param offset integer seconds east of UTC
---@param colon string what stands between hours and minutes
---@return string
function zone.offset_text(offset, colon)
  local size = math.abs(offset)
  local text = ('%s%02d%s%02d'):format(offset < 0 and '-' or '+', math.floor(size / 3600), colon,
    math.floor(size / 60) % 60)
  return size % 60 == 0 and text or ('%s%s%02d'):format(text, colon, size % 60)
end

return zone
