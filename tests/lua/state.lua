-- What scripts may reach: modules, bytecode, errors.
local check = require 'check'
local lugger = require 'lugger'
local native = require 'lugger.native'
local equal = check.equal

describe('the Lua state', function()
  it('is interpreted, so that Ctrl-C stops any loop', function()
    equal((jit.status()), false)
  end)

  it('refuses bytecode', function()
    local code = string.dump(function() end)
    equal((load(code)), nil)
    equal((loadstring(code)), nil)
    local path = check.scratch 'code'
    local file = io.open(path, 'wb')
    file:write(code)
    file:close()
    equal((loadfile(path)), nil)
    check.raises('mode', dofile, path)
    os.remove(path)
  end)

  it('finds no module in the current directory', function()
    equal(package.path, '')
    equal(package.cpath, '')
    check.raises('no such module', require, 'somewhere')
    check.raises("no module 'lugger.nothing'", require, 'lugger.nothing')
  end)

  it('runs the library under its own names', function()
    equal(debug.getinfo(lugger.copy, 'S').source, '@lugger.lua')
    equal(debug.getinfo(require('lugger.inner.base.document').view, 'S').source, '@lugger/inner/base/document.lua')
  end)

  it('gives errors as objects', function()
    local err = native.error('config', 'no such thing', 'try another', '42P01', { column = 'a' })
    equal(tostring(err), 'no such thing (column a); try another')
    equal(err.code, 'config')
    equal(err.sqlstate, '42P01')
    equal(err.notes[1], 'column')
    equal(err.notes.column, 'a')
  end)

  it('reads TOML', function()
    local t = native.toml 'a = 1\n[b]\nc = ["x", "y"]\nd = true\n'
    equal(t.a, 1)
    equal(t.b.c[2], 'y')
    equal(t.b.d, true)
    check.raises('line 2', native.toml, 'a = 1\nb = ')
  end)

  it('runs programs', function()
    equal(native.system.spawn { 'sh', '-c', 'exit 7' }, 7)
    equal(native.system.spawn({ 'sh', '-c', 'test "$WORD" = here' }, { WORD = 'here' }), 0)
    check.raises('cannot start', native.system.spawn, { 'no-such-program-here' })
  end)

  it('documents every native function', function()
    local texts, missing = {}, {}
    for i, name in ipairs(native.embedded_names 'meta/') do texts[i] = native.embedded(name) end
    local text = table.concat(texts, '\n')
    local function walk(prefix, list)
      for name, member in pairs(list) do
        if type(member) == 'function' and not text:find('function ' .. prefix .. name .. '(', 1, true) then
          missing[#missing + 1] = prefix .. name
        elseif type(member) == 'table' and type(name) == 'string' then
          walk(prefix .. name .. '.', member)
        end
      end
    end
    walk('native.', native)
    check.same_list(missing, {})
  end)
end)
