"""`#`, ipairs and pairs of what is no table to a script say what to write instead of giving nothing."""
import harness
from sql_scripts import Case


class NoTables(Case):
    def test_what_has_no_elements_says_how_to_loop(self):
        self.run_script("""
local write = io.open('docs.jsonl', 'w')
write:write('{"_id":1}\\n')
write:close()
local source = lugger.source 'docs.jsonl'
local job = lugger.copy { from = source, into = lugger.target 'out.jsonl', unmapped = 'ignore',
  columns = { { 'id', 'text', from = '_id' } } }
job:run { create = true }
local function refused(what, v, part)
  local function indexed() for _ in ipairs(v) do end end
  local function named() for _ in pairs(v) do end end
  for _, loop in ipairs { indexed, named } do
    local ok, err = pcall(loop)
    assert(not ok, what)
    assert(tostring(err):find(part, 1, true), what .. ': ' .. tostring(err))
  end
end
refused('each', db:each 'select 1', 'for row in db:each(...) do')
refused('query', source:find {}, 'for doc in query do')
refused('rejects', job:rejects(), 'for reject in job:rejects() do')
refused('source', source, 'for doc in source:find() do')
refused('cursor', source:cursor(), 'for batch in cursor:batches()')
refused('db', db, "for row in db:each 'select ...' do")
refused('job', job, 'help job')
refused('coercer', lugger.coercer 'int4', 'help coercer')
refused('target', lugger.target 'x.jsonl', 'help target')
for _, v in ipairs { source:find {}, job:rejects() } do
  local ok, err = pcall(function() return #v end)
  assert(not ok and tostring(err):find('has no length', 1, true), tostring(err))
end
assert(not pcall(ipairs, db:row 'select 1 as a'))

-- What is a table stays one.
local names = {}
for name, v in pairs(db:row 'select 1 as a, 2 as b') do names[#names + 1] = name .. v end
table.sort(names)
assert(table.concat(names) == 'a1b2')
local result, count = db:query 'select i from generate_series(1, 3) i', 0
for _ in ipairs(result) do count = count + 1 end
assert(count == 3 and #result == 3)
assert(tostring(db:row "select 1 as a, null as b, 'x' as c") == '{ a = 1, b = nil, c = x }')
assert(#source:find():list() == 1 and source:find():count() == 1 and source:find():first()._id == 1)
""")

    def test_hooks_have_the_usual_ones(self):
        self.run_script("""
local ipairs, pairs = ipairs, pairs
local write = io.open('docs.jsonl', 'w')
write:write('{"_id":1,"l":[1,2]}\\n')
write:close()
lugger.copy { from = lugger.source 'docs.jsonl', unmapped = 'ignore',
  into = lugger.target(lugger.env.PG_URI, { table = 'looped', key = 'id' }),
  columns = { { 'id', 'int4', from = '_id' }, { 'n', 'int4', computed = true } },
  map = function(row, doc)
    row.n = 0
    for _, v in ipairs(doc.l) do row.n = row.n + v end
    for _, v in pairs { a = 10 } do row.n = row.n + v end
  end }:run { create = true }
assert(db:value 'select n from looped' == 13)
""")


if __name__ == '__main__':
    harness.main()
