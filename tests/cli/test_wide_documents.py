"""Documents of many fields, in any order: every field is told once, and every value arrives."""
import json
import random

import harness
from census import Census


class Wide(Census):
    def lines(self, name, documents):
        self.write(name, ''.join(json.dumps(one) + '\n' for one in documents))

    def shuffled(self, fields, documents):
        """Documents of up to that many fields, each with an order of its own."""
        rng = random.Random(21)
        names = [f'f{i}' for i in range(fields)]
        out = []
        for n in range(documents):
            chosen = rng.sample(names, rng.randrange(fields // 2, fields))
            out.append({'_id': n, **{name: rng.randrange(1000) for name in chosen}})
        return out

    def test_c21_every_field_of_many_is_told(self):
        documents = self.shuffled(30_000, 3)
        self.lines('wide.jsonl', documents)
        wanted = {}
        for document in documents:
            for name in document:
                wanted[name] = wanted.get(name, 0) + 1
        told = json.loads(self.lugger('describe', 'wide.jsonl', '--json', status=0).out)
        self.assertEqual({one['path']: one['seen'] for one in told['fields']}, wanted)
        paths = self.one('wide.jsonl')['paths']
        self.assertEqual(sum(one['present'] for one in paths), sum(wanted.values()))

    def test_c21_every_value_of_many_arrives(self):
        documents = self.shuffled(3_000, 20)
        self.lines('wide.jsonl', documents)
        self.write('job.lua', """
            local lugger = require 'lugger'
            return lugger.copy { from = lugger.source('wide.jsonl'), columns = 'auto',
              into = lugger.target('out.jsonl', { table = 't', key = 'id' }) }
        """)
        self.lugger('run', 'job.lua', status=0)
        rows = [json.loads(line) for line in self.read('out.jsonl').splitlines()]
        self.assertEqual(len(rows), len(documents))
        for document, row in zip(documents, rows):
            arrived = {name: value for name, value in row.items()
                       if name not in ('id', 'mongo_id', 'rest') and value is not None}
            arrived.update(row['rest'] or {})
            self.assertEqual(arrived, {name: value for name, value in document.items() if name != '_id'})


if __name__ == '__main__':
    harness.main()
