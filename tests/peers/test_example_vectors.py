"""examples/vectors: a table with vectors goes out as JSON lines and comes back, equal both times."""
import shutil
import unittest
from pathlib import Path

import harness
from peer_postgres import PgVector


class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()
        cls.addClassCleanup(cls.server.stop)

    def places(self):
        room = Path(harness.scratch()) / 'vectors'
        shutil.copytree(harness.ROOT / 'examples' / 'vectors', room)
        return room, self.server.fresh(schema=None), self.server.fresh()

    def test_n_10_the_table_of_stores(self):
        room, source, target = self.places()
        source.query((room / 'stores.sql').read_text(encoding='utf-8'))
        for command in ('run', 'verify'):
            harness.lugger(command, '--from', source.url, '--into', target.url, 'vectors', '--collection',
                           'docs', cwd=room)
        everything = 'select * from docs order by namespace, id'
        self.assertEqual(source.query(everything), target.query(everything))

    def test_s1_13_there_and_back(self):
        room, source, target = self.places()
        source.query((room / 'docs.sql').read_text(encoding='utf-8'))
        env = {'PG_URI': source.url, 'PG_TARGET': target.url}
        for words in ('run out.lua', 'verify out.lua', 'run back.lua --create', 'verify back.lua'):
            done = harness.lugger(*words.split(), cwd=room, env=env)
        self.assertRegex(done.out, 'docs back: equal, 5 rows')
        everything = 'select * from docs order by id collate "C"'
        self.assertEqual(source.query(everything), target.query(everything))
        self.assertEqual(target.query("select col_description('docs'::regclass, 2)"),
                         'lugger manifest: {"model":"words-4","metric":"cosine","dimensions":4}')
        nearest = "select id from docs order by embedding <=> '[1,0,0,0]' limit 1"
        self.assertEqual(target.query(nearest), 'cat')
        self.assertIn('USING hnsw (embedding vector_cosine_ops)',
                      target.query("select pg_get_indexdef('docs_embedding_idx'::regclass)"))


if __name__ == '__main__':
    harness.main()
