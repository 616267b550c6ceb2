-- Values as parameters of SQL.
local check = require 'check'
local lugger = require 'lugger'
local parameters = require 'lugger.inner.sql.parameters'
local sql_cursor = require 'lugger.inner.sql.cursor'
local types = require 'lugger.inner.sql.types'
local equal = check.equal

local oids = { text = 25, json = 3802, bytea = 17, uuid = 2950, ['text[]'] = 1009, ['int[]'] = 1007, ['jsonb[]'] = 3807,
  numeric = 1700 }

local function text(v, name)
  return parameters.text(v, types.of(oids[name or 'text'], {}, error), 'parameter $1')
end

describe('parameters', function()
  it('numbers are exact', function()
    equal(text(1), '1')
    equal(text(0.1), '0.1')
    equal(text(0.1 + 0.2), '0.30000000000000004')
    equal(text(1704067200123456), '1704067200123456')
    equal(text(2 ^ 60), '1152921504606846976')
    equal(text(1e300), '1e+300')
    equal(text(-1 / 0), '-Infinity')
    equal(text(0 / 0), 'NaN')
    for _, n in ipairs { 1 / 3, 2 ^ 53 + 2, 5e-324, 123456789.123456789 } do equal(tonumber(text(n)), n) end
    equal(text(lugger.int64 '9007199254740993'), '9007199254740993')
    equal(text(lugger.decimal '1.50', 'numeric'), '1.50')
    equal(text(lugger.double(3)), '3')
  end)

  it('values have their text, and their JSON where JSON is asked for', function()
    local uuid = '64f1c0a2-b3c4-4d5e-8f7a-8b9010000000'
    equal(text(true), 'true')
    equal(text(nil), lugger.null)
    equal(text(lugger.null), lugger.null)
    equal(text(lugger.date '2024-01-01T10:00:00.123456Z'), '2024-01-01T10:00:00.123456Z')
    equal(text(lugger.date '+12345-01-01T00:00:00Z'), '12345-01-01T00:00:00Z')
    equal(text(lugger.date '-0043-03-15T00:00:00Z'), '0044-03-15T00:00:00Z BC')
    equal(text(lugger.date '0000-01-01T00:00:00Z'), '0001-01-01T00:00:00Z BC')
    equal(text(lugger.date '2024-01-01T10:00:00.123Z', 'json'), '"2024-01-01T10:00:00.123Z"')
    equal(text(lugger.objectid '64f1c0a2b3c4d5e6f7a8b901'), '64f1c0a2b3c4d5e6f7a8b901')
    equal(text(lugger.objectid '64f1c0a2b3c4d5e6f7a8b901', 'json'), '"64f1c0a2b3c4d5e6f7a8b901"')
    equal(text(lugger.uuid(uuid), 'uuid'), uuid)
    equal(text(lugger.uuid(uuid), 'json'), '"' .. uuid .. '"')
    equal(text(lugger.binary '\0\255', 'bytea'), '\\x00ff')
    equal(text('{"a":1}', 'json'), '{"a":1}')
  end)

  it('lists are what the type asks for', function()
    equal(text({ 1, 'a"b', lugger.null }, 'text[]'), '{"1","a\\"b",NULL}')
    equal(text({ 1, 'a' }, 'json'), '[1,"a"]')
    equal(text({}, 'int[]'), '{}')
    equal(text({ { 1, 2 }, { 3, 4 } }, 'int[]'), '{{"1","2"},{"3","4"}}')
    equal(text({ { a = 1 }, 'x' }, 'jsonb[]'), '{"{\\"a\\":1}","\\"x\\""}')
    equal(text(lugger.json.decode '["a"]', 'text[]'), '{"a"}')
    equal(text(lugger.json.decode '{"b":1,"a":{"$numberLong":"5"}}', 'json'), '{"b":1,"a":5}')
    equal(text(lugger.array {}, 'json'), '[]')
    equal(text({ a = 1 }, 'json'), '{"a":1}')
  end)

  it('rows of a query are documents', function()
    local result = require 'lugger.inner.sql.result'
    local given = { names = { 'b', 'a' }, types = { 23, 23 }, rows = { { '1', false } }, count = 1, command = '' }
    local rows = result.new(given, { types.of(23), types.of(23) })
    equal(text(rows[1], 'json'), '{"b":1,"a":null}')
    equal(text(rows, 'json'), '[{"b":1,"a":null}]')
  end)

  it('what SQL cannot take is refused by name', function()
    check.raises('parameter $1 is a function, which SQL cannot take', text, print)
    check.raises('parameter $1 is a file', text, io.stdout)
    check.raises('parameter $1 is a source', text, lugger.source 'x')
    check.raises('parameter $1 is a db', text, lugger.session 'local:./pg')
    check.raises('parameter $1 is a list, and the statement takes text there', text, { 1 })
    check.raises('parameter $1 is a document, and the statement takes text there', text, { a = 1 })
    check.raises('is a document, and the statement takes text[] there', text, { a = 1 }, 'text[]')
    check.raises('nothing at 2', text, { 1, nil, 3 }, 'text[]')
    check.raises('its element f is a function', text, { a = { f = print } }, 'json')
    check.raises('its element s is a source', text, { s = lugger.source 'x' }, 'json')
  end)
end)

describe('a cursor', function()
  it('takes what only reads', function()
    for _, sql in ipairs { 'select 1', 'table t', 'values (1)', 'with a as (select 1) select * from a', 'select 1;' } do
      check.truth(sql_cursor.takes(sql, true), sql)
    end
    for _, sql in ipairs { 'insert into t values (1) returning id', 'select 1 into t', 'show all', 'select 1; select 2',
      'with a as (delete from t returning id) select * from a', 'select 1 from t for update', 'selec' } do
      check.truth(not sql_cursor.takes(sql, true), sql)
    end
    check.truth(sql_cursor.takes('select 1 from t for update', false))
  end)
end)
