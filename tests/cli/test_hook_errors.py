"""What a hook gives and how it fails: no row is lost in silence."""
import json
import unittest
from pathlib import Path

import harness

JOB = """local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source 'in.jsonl', into = lugger.target('out.jsonl', { key = 'id' }),
  columns = { { 'id', 'int4', from = '_id' }, { 'price', 'numeric' }, { 'tax', 'numeric', computed = true },
    { 'r', 'text', computed = true } },
  unmapped = 'ignore', %s
  map = function(row, doc) %s end,
}"""


class HookErrors(unittest.TestCase):
    def run_job(self, body, extra='', document=None, expect=0):
        self.directory = Path(harness.scratch())
        (self.directory / 'in.jsonl').write_text(json.dumps(document or {'_id': 1, 'price': 'bad'}) + '\n')
        (self.directory / 'job.lua').write_text(JOB % (extra, body))
        return harness.lugger('run', 'job.lua', cwd=self.directory, expect=expect)

    def rows(self):
        return [json.loads(line) for line in (self.directory / 'out.jsonl').read_text().splitlines()]

    def test_an_error_behind_a_value_that_was_mended(self):
        """The column's refusal was caught, and the column written: what fails later is another error."""
        mended = 'if not pcall(function() return row.price end) then row.price = 0 end '
        self.run_job(mended + 'lugger.emit { id = 100 }')
        self.assertEqual([row['id'] for row in self.rows()], [1, 100])
        for rest in ('row.tax = doc.rate.value', 'return 7', "error 'no'"):
            with self.subTest(rest):
                body = mended + 'lugger.emit { id = 100 } ' + rest
                self.assertIn('map: ', self.run_job(body, expect=1).err)
                self.assertIn('rejected 1', self.run_job(body, "on_hook_error = 'reject',", expect=3).err)

    def test_a_refusal_that_is_raised_again(self):
        body = 'local ok, err = pcall(function() return row.price end) '
        again = self.run_job(body + 'error(err, 0)', expect=3)
        self.assertIn('price: cannot read "bad" as numeric', again.err)
        self.assertIn('map: ', self.run_job(body + 'row.price = 0 error(err, 0)', expect=1).err)

    def test_an_empty_table_is_an_empty_list_where_only_a_list_fits(self):
        self.directory = Path(harness.scratch())
        (self.directory / 'in.jsonl').write_text('{"_id": 1, "given": {}}\n')
        (self.directory / 'job.lua').write_text("""local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source 'in.jsonl', into = lugger.target 'out.jsonl',
  columns = { { 'id', 'int4', from = '_id' }, { 'a', 'int4[]', computed = true },
    { 'j', 'jsonb', computed = true }, { 'given', 'text[]', on_error = 'null' } },
  map = function(row) row.a, row.j = {}, {} end,
}""")
        harness.lugger('run', 'job.lua', cwd=self.directory)
        self.assertEqual(self.rows(), [{'id': 1, 'a': [], 'j': {}, 'given': None}])

    def test_lists_with_gaps(self):
        for rows in ("{ [1] = { r = '1' }, [3] = { r = '3' } }", "{ [0] = { r = 'z' } }",
                     "{ [0] = { r = 'z' }, { r = 'a' } }", "{ [1.5] = { r = 'z' }, { r = 'a' } }"):
            with self.subTest(rows):
                result = self.run_job(f'return {rows}', document={'_id': 1, 'price': 1}, expect=1)
                self.assertIn('a list with no row at', result.err)
        self.run_job("return { { r = 'a' }, { r = 'b', id = 2 } }", document={'_id': 1, 'price': 1})
        self.assertEqual([row['r'] for row in self.rows()], ['a', 'b'])


if __name__ == '__main__':
    unittest.main()
