-- Lua source made from values: what is read back is what was written, whatever the data holds.
local check = require 'check'
local lua_text = require 'lugger.inner.scaffold.lua_text'
local equal = check.equal

local hostile = { 'plain', "it's", 'a\\b', 'a\nb', 'a\0b', '\r\t\127', ']]', '--[[', '%s', 'é☕', '', 'end', '\255\254' }

describe('Lua text', function()
  it('quotes every text so that it is read back', function()
    for _, text in ipairs(hostile) do equal(loadstring('return ' .. lua_text.quote(text))(), text) end
  end)
  it('writes keys that are no names, and words of Lua, in brackets', function()
    equal(lua_text.key 'from', 'from')
    equal(lua_text.key 'end', "['end']")
    equal(lua_text.key '1a', "['1a']")
    for _, text in ipairs(hostile) do
      equal(loadstring('return { ' .. lua_text.key(text) .. ' = 1 }')()[text], 1)
    end
  end)
  it('writes records: the list, then the named keys in order', function()
    equal(lua_text.record({ 'email', 'text' }, { { 'from', 'e' }, { 'required', true }, { 'none', nil } }),
      "{ 'email', 'text', from = 'e', required = true }")
    equal(lua_text.value { 'a', b = { 'c' } }, "{ 'a', b = { 'c' } }")
    equal(lua_text.value {}, '{}')
  end)
  it('keeps comments comments', function()
    local text = lua_text.comment('a\nos.exit()\r]] --')
    equal(text, '-- a\\nos.exit()\\r]] --')
    for line in (lua_text.comment(('word '):rep(60)) .. '\n'):gmatch('(.-)\n') do
      check.truth(line:match('^%-%- ') and #line <= 100)
    end
  end)
end)
