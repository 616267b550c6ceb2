-- Parts of migrations and lint that need no database.
local check = require 'check'
local column_names = require 'lugger.inner.column.names'
local foreign = require 'lugger.inner.migrate.foreign'
local ledger = require 'lugger.inner.migrate.ledger'
local locks = require 'lugger.inner.migrate.locks'
local lua_tokens = require 'lugger.inner.lint.lua_tokens'
local sql_file = require 'lugger.inner.migrate.sql_file'
local statement = require 'lugger.inner.migrate.statement'
local version = require 'lugger.inner.migrate.version'
local equal = check.equal

describe('versions', function()
  it('are compared as numbers of any length', function()
    check.truth(version.before('9', '10'))
    check.truth(version.before('0009', '10'))
    check.truth(not version.before('7', '0007'))
    check.truth(version.before('20260311093000', '20260311093001'))
    check.truth(version.before('99999999999999999999', '100000000000000000000'))
    equal(version.key '0', '0')
    equal(version.key '0010', '10')
  end)

  it('new ones come behind the newest, whatever the clock says', function()
    equal(version.new '99991231235959', '99991231235960')
    equal(version.new '99999999999999', '100000000000000')
    check.truth(version.before('20200101000000', version.new '20200101000000'))
    check.truth(version.in_future '20991231235959')
    check.truth(not version.in_future '20200101000000')
    check.truth(not version.in_future '7')
  end)
end)

describe('SQL files', function()
  local function texts(section)
    local list = {}
    for i, st in ipairs(section.statements) do list[i] = st.line .. ':' .. st.text end
    return table.concat(list, '|')
  end

  it('have sections, with the lines of the file', function()
    local found = sql_file.parse('-- a comment\n-- up\nSELECT 1;\nSELECT 2;\n--down\nSELECT 3', 'x.sql')
    equal(texts(found.up), '3:SELECT 1|4:SELECT 2')
    equal(texts(found.down), '6:SELECT 3')
    equal(texts(sql_file.parse('SELECT 1', 'x.sql').up), '1:SELECT 1')
    equal(texts(sql_file.parse('SELECT 1;\n-- down\nSELECT 2', 'x.sql').up), '1:SELECT 1')
  end)

  it('say where a transaction is not wanted', function()
    local found = sql_file.parse('-- up\n-- no transaction\nSELECT 1;\n-- down\nSELECT 2', 'x.sql')
    equal(found.up.no_transaction, true)
    equal(found.down.no_transaction, false)
    found = sql_file.parse('--  No  Transaction\n-- up\nSELECT 1;\n-- down\nSELECT 2', 'x.sql')
    equal(found.down.no_transaction, true)
  end)

  it('know marks from texts', function()
    local found = sql_file.parse("-- up\nSELECT '\n-- down\n';\nSELECT $$\n-- down\n$$; /*\n-- down\n*/", 'x.sql')
    equal(#found.up.statements, 2)
    equal(found.down, nil)
  end)

  it('are refused when they make no sense', function()
    check.raises('stand before the first `-- up`', sql_file.parse, 'SELECT 1;\n-- up\nSELECT 2', 'x.sql')
    check.raises('stands there twice', sql_file.parse, '-- up\n-- up\n', 'x.sql')
    check.raises('but no `-- up`', sql_file.parse, '-- down\nSELECT 1', 'x.sql')
    check.raises('x.sql:3: a quoted text that begins here is not closed', sql_file.parse,
      "-- up\nSELECT 1;\nSELECT 'open", 'x.sql')
  end)
end)

describe('statements', function()
  it('know whether they may stand in a transaction', function()
    for _, sql in ipairs { 'CREATE INDEX CONCURRENTLY i ON t (a)', 'DROP INDEX CONCURRENTLY i', 'VACUUM t',
      'REINDEX TABLE CONCURRENTLY t', 'REINDEX DATABASE d', 'CREATE DATABASE d', 'ALTER SYSTEM SET a = 1', 'CLUSTER',
      'ALTER TABLE p DETACH PARTITION c CONCURRENTLY', 'DISCARD ALL' } do
      equal(statement.read(sql).transactional, false)
    end
    for _, sql in ipairs { 'CREATE INDEX i ON t (a)', 'ANALYZE t', 'REINDEX TABLE t', 'CLUSTER t', 'SELECT 1',
      'ALTER TABLE p DETACH PARTITION c', 'bogus' } do
      equal(statement.read(sql).transactional, true)
    end
    equal(statement.read("ALTER TYPE t ADD VALUE 'x'").alone, true)
    equal(statement.read("ALTER TYPE t RENAME VALUE 'x' TO 'y'").alone, false)
  end)

  it('know whether they only read', function()
    for _, sql in ipairs { 'SELECT 1', 'TABLE t', 'WITH a AS (SELECT 1) SELECT * FROM a', 'SELECT 1 UNION SELECT 2' } do
      equal(statement.read(sql).reads_only, true)
    end
    for _, sql in ipairs { 'SELECT 1 INTO t', 'SELECT 1 FROM t FOR UPDATE', 'UPDATE t SET a = 1',
      'WITH a AS (DELETE FROM t RETURNING 1) SELECT * FROM a',
      'SELECT 1 UNION (WITH a AS (DELETE FROM t RETURNING 1) SELECT * FROM a)' } do
      equal(statement.read(sql).reads_only, false)
    end
  end)

  it('name their locks as the manual does', function()
    local function mode(sql)
      local list = {}
      for i, lock in ipairs(locks.of(statement.read(sql))) do
        list[i] = lock.table .. ' ' .. lock.mode .. (lock.rewrites and ' rewrites' or '') .. (lock.scans and ' scans'
          or '')
      end
      return table.concat(list, ', ')
    end
    equal(mode 'ALTER TABLE s.t ADD a int', 's.t ACCESS EXCLUSIVE')
    equal(mode 'ALTER TABLE t ADD a int DEFAULT random()', 't ACCESS EXCLUSIVE rewrites')
    equal(mode 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o', 't SHARE ROW EXCLUSIVE scans, o SHARE ROW EXCLUSIVE')
    equal(mode 'ALTER TABLE t VALIDATE CONSTRAINT c', 't SHARE UPDATE EXCLUSIVE scans')
    equal(mode 'ALTER TABLE t SET (fillfactor = 50)', 't SHARE UPDATE EXCLUSIVE')
    equal(mode 'CREATE INDEX ON t (a)', 't SHARE scans')
    equal(mode 'CREATE INDEX CONCURRENTLY ON t (a)', 't SHARE UPDATE EXCLUSIVE scans')
    equal(mode 'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()', 't SHARE ROW EXCLUSIVE')
    equal(mode 'ALTER TABLE t DISABLE TRIGGER g', 't SHARE ROW EXCLUSIVE')
    equal(mode 'DROP TABLE t', 't ACCESS EXCLUSIVE')
    equal(mode 'TRUNCATE t, u', 't ACCESS EXCLUSIVE, u ACCESS EXCLUSIVE')
    equal(mode 'VACUUM FULL t', 't ACCESS EXCLUSIVE rewrites')
    equal(mode 'REFRESH MATERIALIZED VIEW CONCURRENTLY v', 'v EXCLUSIVE')
    equal(mode 'LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE', 't SHARE ROW EXCLUSIVE')
    equal(mode 'UPDATE t SET a = 1 FROM o', 't ROW EXCLUSIVE, o ACCESS SHARE')
    equal(mode 'SELECT 1 FROM t FOR UPDATE', 't ROW SHARE')
    equal(mode 'ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1)',
      'p SHARE UPDATE EXCLUSIVE, c ACCESS EXCLUSIVE scans')
  end)
end)

describe('a column in SQL', function()
  it('is replaced by its tokens, not by its letters', function()
    local replaced = column_names.replaced
    equal(replaced('ON t USING btree (n, lower(n)) WHERE n > 3', 'n', 'x'),
      'ON t USING btree ("x", lower("x")) WHERE "x" > 3')
    equal(replaced('CHECK (lower(lower) = \'lower\'::lower)', 'lower', 'x'), 'CHECK (lower("x") = \'lower\'::lower)')
    equal(replaced('("Odd" + odd + t."Odd")', 'Odd', 'a b'), '("a b" + odd + t."Odd")')
  end)
end)

describe('the ledger', function()
  it('comes to one state a version', function()
    local function sum(...)
      local entries = {}
      for i, words in ipairs { ... } do
        local direction, state = words:match '(%S+) (%S+)'
        entries[i] = { version = '007', direction = direction, state = state, entry = tostring(i) }
      end
      local record = ledger.sum(entries)['7']
      return (record.applied and record.applied.entry or '-') .. (record.open and record.open.entry or '-')
    end
    equal(sum 'up done', '1-')
    equal(sum('up done', 'down done'), '--')
    equal(sum('up done', 'down failed'), '12')
    equal(sum('up failed', 'up done'), '2-')
    equal(sum('up running', 'up abandoned'), '--')
    equal(sum('baseline done', 'repair done', 'forget done'), '--')
  end)
end)

describe('versions of other tools', function()
  it('keep their order', function()
    local number = foreign.numbering { { number = '1' }, { number = '1.2' }, { number = '1.10' }, { number = '20' } }
    equal(number '1', '0100')
    equal(number '1.2', '0102')
    equal(number '1.10', '0110')
    equal(number '20', '2000')
    equal(foreign.numbering { { number = '0001' } } '0001', '0001')
  end)
end)

describe('Lua tokens', function()
  it('have their lines and values', function()
    local list = lua_tokens.read "#!x\nlocal a = 'b\\'\\n' -- c\n--[==[ d\n]] ]==] e = [[\nf]] .. \"\\65\"\n"
    local out = {}
    for i, token in ipairs(list) do out[i] = token.line .. token.kind:sub(1, 1) .. (token.value or token.text) end
    equal(table.concat(out, ' '), "2nlocal 2na 2o= 2sb'\n 2c-- c 3c--[==[ d\n]] ]==] 4ne 4o= 4sf 5o.. 5sA")
  end)
end)
