-- Connection URLs for other programs.
local pg_url = {}

local function percent_decode(text)
  return (text:gsub('%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end))
end

--- Splits the password off a URL or key=value text: it goes to other programs by the environment, never by an argument.
---@param url string
---@return string url
---@return string|nil password
function pg_url.without_password(url)
  local scheme, user, secret, rest = url:match('^(%w+://)([^:/@?]*):([^/?]*)@(.*)$')
  local password
  if scheme then url, password = scheme .. user .. '@' .. rest, percent_decode(secret) end
  url = url:gsub('([?&])password=([^&]*)(&?)', function(before, value, after)
    password = percent_decode(value)
    return after == '&' and before or ''
  end)
  if not url:find('://', 1, true) then
    url = url:gsub("password%s*=%s*'([^']*)'", function(value)
      password = value
      return ''
    end):gsub('password%s*=%s*(%S+)', function(value)
      password = value
      return ''
    end)
  end
  return url, password
end

return pg_url
