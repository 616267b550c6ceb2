"""CSV as a source: into PostgreSQL, with rejects, parts, gzip, resumed, verified; and against Python's
csv module."""
import csv
import gzip
import io
import json
import os
import random
import signal
import time
import unittest

import harness
from jobs import Work
from postgres import Postgres

SEED = int(os.environ.get('LUGGER_SEED', '20260311'))


def job(columns, options='', key='id', extra=''):
    return f'''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source(lugger.env.MONGO_URI, {{ {options} }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'docs', key = '{key}', on_conflict = 'skip' }}),
  columns = {{ {columns} }},
  {extra}
}}
'''


COLUMNS = "{ 'id', 'int4' }, { 'email', 'text' }, { 'price', 'numeric(12,2)', decimal = ',' }"


class Csv(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, data, name='customers.csv', columns=COLUMNS, **more):
        work = Work(self.server.fresh(), source=name)
        work.source.write_bytes(data if isinstance(data, bytes) else data.encode())
        work.script(job(columns, **more))
        return work

    def books(self, result, **wanted):
        self.assertEqual({key: result.books().get(key, 0) for key in wanted}, wanted, result)

    def rejects(self, work):
        work.lugger('rejects', 'job.lua', '--export', 'bad.jsonl', expect=(0, 3))
        return [json.loads(line) for line in (work.directory / 'bad.jsonl').read_text('utf-8').splitlines()]

    def rows(self, work, sql='select id, email, price from docs order by id'):
        return work.database.query(f"select coalesce(string_agg(t::text, ' '), '') from ({sql}) t")

    def test_a_file_becomes_a_table(self):
        data = 'id,email,price\r\n1,a@x,"9,99"\r\n2,"b ""x""\ny",\r\n3,,"1,5"\r\n'
        for name, bytes_ in (('customers.csv', data.encode()),
                             ('customers.csv.gz', gzip.compress(data.encode())),
                             ('customers.csv', b'\xef\xbb\xbf' + data.encode())):
            with self.subTest(name):
                work = self.work(bytes_, name)
                self.books(work.run('--create'), read=3, inserted=3)
                self.assertEqual(self.rows(work), '(1,a@x,9.99) (2,"b ""x""\ny",) (3,,1.50)')
                work.lugger('verify', 'job.lua')
                again = work.run('--again')
                self.books(again, read=3, inserted=0)

    def test_options(self):
        work = self.work("1;'a;b';NULL\n2;NULL;'NULL'\n", 'data.txt',
                         columns="{ 'id', 'int4' }, { 'email', 'text' }, { 'price', 'text' }",
                         options="format = 'csv', header = false, names = { 'id', 'email', 'price' }, "
                                 "delimiter = ';', quote = \"'\", null = 'NULL'")
        self.books(work.run('--create'), read=2, inserted=2)
        self.assertEqual(self.rows(work), '(1,a;b,) (2,,NULL)')
        work = self.work("1\ta\n", 'data.tsv', columns="{ 'c1', 'int4' }, { 'c2', 'text' }", key='c1',
                         options='header = false')
        self.books(work.run('--create'), read=1, inserted=1)
        work = self.work('{"_id":1}\n', 'docs.json', options="delimiter = ';'")
        self.assertIn('delimiter is an option of CSV', work.run('--create', expect=1).err)
        work = self.work('id\n', options="delimeter = ';'")
        self.assertIn('did you mean delimiter', work.run('--create', expect=1).err)

    def test_standard_input(self):
        work = self.work('id,email,price\n1,a,"2,0"\n', options="format = 'csv'")
        result = work.lugger('run', 'job.lua', '--create', '--from', '-',
                             input='id,email,price\n1,a,"2,0"\n7,b,\n')
        self.books(result, read=2, inserted=2)

    def test_what_is_no_record_is_a_reject(self):
        data = b'id,email,price\n1,a,"1,0"\n2,b\n3,"c"d,\n4,caf\xe9,\n5,e,abc\n\n6,f,"2,0"\n7,"g,\n8,h,\n'
        for flags in ((), ('-j', '2')):
            work = self.work(data)
            run = work.run('--create', *flags, expect=3)
            self.books(run, read=8, inserted=3, rejected=5)
            self.assertRegex(run.err, r'line [349], column [^\n]* \(and 2 other texts\): 3 documents\n')
            self.assertEqual(self.rows(work, 'select id from docs order by id'), '(1) (6) (8)')
            rejects = self.rejects(work)
            found = {reject['message'] for reject in rejects if reject['code'] == 'malformed'}
            self.assertEqual(found, {
                'line 3, column 1: 2 fields, and there should be 3',
                'line 4, column 6: text behind a closing quote (a quote inside a field is doubled)',
                'line 9, column 3: the quote that begins here is not closed'})
            self.assertIn('price: cannot read "abc" as numeric(12,2): 1 document, first 5', work.lugger(
                'rejects', 'job.lua', expect=(0, 3)).out + run.err)
            self.assertIn('cannot read "abc"', work.lugger('trace', 'job.lua', '5', expect=(0, 3)).out)
            self.assertEqual({reject['document'].get('$text') for reject in rejects
                              if reject['code'] == 'malformed'}, {'2,b', '3,"c"d,', '7,"g,'})
            work.lugger('verify', 'job.lua')

    def test_headers_that_cannot_be(self):
        for data, part in (('id,id\n1,2\n', 'the name "id" twice'), ('id,\n1,2\n', 'no name for field 2'),
                           (b'id,caf\xe9\n1,2\n', 'iconv'), ('id,"x\n', 'the header cannot be read'),
                           (b'\xff\xfei\0d\0\n\0', 'UTF-16'),
                           ('id;email;price\n1;a;2\n', "say delimiter = ';'"), ('id,x\r1,2\r', 'CR alone')):
            with self.subTest(part):
                self.assertIn(part, self.work(data).run('--create', expect=1).err)
        for data in ('', 'id,email,price\n'):
            self.books(self.work(data).run('--create'), read=0, inserted=0)

    def test_looks(self):
        work = self.work('id,email,price\n' + ''.join(f'{i},u{i}@x,"{i},5"\n' for i in range(50)))
        out = work.lugger('describe', 'customers.csv').out
        for part in ('email', 'price', '100%'):
            self.assertIn(part, out)
        self.assertIn('u1@x', work.lugger('preview', 'job.lua', '-n', '3').out)
        work.script("""local lugger = require 'lugger'
local source = lugger.source(lugger.env.MONGO_URI)
print(source:find { email = { ['$regex'] = '^u1' } }:count(), source:find { id = '7' }:first().price)
""", 'find.lua')
        self.assertEqual(work.run(script='find.lua').out.split(), ['11', '7,5'])

    def test_parts(self):
        """Quoted line ends, and records cut nowhere, whatever the number of workers."""
        rng = random.Random(SEED)
        fields = ['plain', 'two\nlines', 'a "quote"', 'cr\r\nlf', '1,2,3\n' * 5]
        rows = [(i, rng.choice(fields) * rng.randrange(1, 60)) for i in range(60_000)]
        text = io.StringIO()
        csv.writer(text).writerows([('id', 'email'), *rows])
        data = text.getvalue().encode()
        self.assertGreater(len(data), 16 << 20)
        expected = None
        for workers in ('1', '3'):
            work = self.work(data, columns="{ 'id', 'int4' }, { 'email', 'text' }")
            self.books(work.run('--create', '-j', workers), read=len(rows), inserted=len(rows))
            found = work.database.query("select count(*), sum(id), md5(string_agg(email, '|' order by id)) "
                                        "from docs")
            expected = expected or found
            self.assertEqual(found, expected)
            if workers == '3':
                self.assertGreater(work.database.number('select count(*) from lugger.partitions'), 1)
        work.lugger('verify', 'job.lua')

    def test_kill_and_resume(self):
        """Killed whenever more rows are there; a quoted line end stands in every record."""
        rng = random.Random(SEED)
        lines = ['id,email']
        for i in range(30_000):
            lines.append(f'{i},"{"x" * rng.randrange(2000)}\n{i}"' if rng.random() > 0.001 else f'{i}')
        data = '\n'.join(lines).encode() + b'\n'
        wanted = sum(line.count(',') for line in lines[1:])
        for name, packed in (('customers.csv', data), ('customers.csv.gz', gzip.compress(data, 1))):
            with self.subTest(name):
                work = self.work(packed, name, columns="{ 'id', 'int4' }, { 'email', 'text' }",
                                 extra='throttle = { rows_per_s = 12000 },')
                work.database.query('create table docs (id int4 primary key, email text)')
                self.assertGreater(self.kill_until_done(work), 0)
                self.assertEqual(work.database.query('select count(*), count(distinct id) from docs'),
                                 f'{wanted}|{wanted}')
                self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 30_000 - wanted)
                work.lugger('verify', 'job.lua')

    def kill_until_done(self, work):
        """How often a run was killed between its units."""
        kills = 0
        for _ in range(100):
            before = work.database.number('select count(*) from docs')
            process = work.start('run', 'job.lua', '-j', '2', '--log', 'none')
            while process.poll() is None and work.database.number('select count(*) from docs') == before:
                time.sleep(0.02)
            if process.poll() is None and kills < 3:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.communicate(timeout=120)
            if process.returncode == 3:
                return kills
            time.sleep(0.1)   # the server may still hold the killed process's lease for a moment
        self.fail('the run never ended')

    def test_as_python_reads_it(self):
        """Random text that both take for records of one width gives the same fields."""
        rng = random.Random(SEED)
        parts = ['a', 'b', ',', ',', '\n', '\r\n', '""', '"x"', '"y,\n"', 'é', ' ', '"z""z"']
        texts = []
        for _ in range(3000):
            texts.append(''.join(rng.choices(parts, k=rng.randrange(25))))
        work = self.work('id\n')
        (work.directory / 'texts.jsonl').write_text('\n'.join(json.dumps(text) for text in texts), 'utf-8')
        work.script("""local lugger = require 'lugger'
for line in lugger.lines 'texts.jsonl' do
  local out = {}
  local ok, err = pcall(function()
    for row in lugger.csv.parse(lugger.json.decode(line), { header = false, null = '\\1' }) do
      row.n = nil
      out[#out + 1] = lugger.array(row)
    end
  end)
  print(ok and lugger.json.encode(lugger.array(out)) or 'null')
end
""", 'read.lua')
        found = [json.loads(line) for line in work.run(script='read.lua').out.splitlines()]
        self.assertEqual(len(found), len(texts))
        compared = 0
        for text, mine in zip(texts, found):
            try:
                rows = list(csv.reader(io.StringIO(text, newline=''), strict=True))
            except csv.Error:
                self.assertIsNone(mine, text)
                continue
            # An empty line is a row where rows have one field.
            widths = {len(row) for row in rows if row}
            if len(widths) > 1 or (widths == {1} and [] in rows):
                continue
            compared += 1
            self.assertEqual(mine, [row for row in rows if row], text)
        self.assertGreater(compared, 500)

    def test_what_lua_writes_python_reads(self):
        rng = random.Random(SEED)
        rows = [[''.join(rng.choices(['a', ',', '"', '\n', '\r', ' ', 'é', "'"], k=rng.randrange(5)))
                 for _ in range(3)] for _ in range(300)]
        work = self.work('id\n')
        (work.directory / 'rows.json').write_text(json.dumps(rows), 'utf-8')
        work.script("""local lugger = require 'lugger'
local lines = {}
for _, row in ipairs(lugger.json.decode(lugger.read_file 'rows.json')) do
  lines[#lines + 1] = lugger.csv.encode(row:totable())
end
lugger.write_file('out.csv', table.concat(lines, '\\r\\n') .. '\\r\\n')
""", 'write.lua')
        work.run(script='write.lua')
        with open(work.directory / 'out.csv', encoding='utf-8', newline='') as file:
            self.assertEqual(list(csv.reader(file, strict=True)), rows)


if __name__ == '__main__':
    harness.main()
