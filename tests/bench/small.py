"""Many small collections: a dump of 200 with 100 documents each, and psql's script for the same
tables in one session."""
import json
import shutil

import bson
import harness
from measure import run

COLLECTIONS, DOCUMENTS = 200, 100
SCRIPT = f'''
local lugger = require 'lugger'
local jobs = {{}}
for i = 0, {COLLECTIONS - 1} do
  local name = ('c%03d'):format(i)
  jobs[#jobs + 1] = lugger.copy {{ name = name,
    from = lugger.source('dump', {{ collection = 'shop.' .. name }}),
    into = lugger.target(lugger.env.PG_URI, {{ table = name, key = 'id', on_conflict = 'update' }}),
    columns = {{ {{ 'id', 'text', from = '_id' }}, {{ 'n', 'int' }}, {{ 'name', 'text' }},
      {{ 'price', 'float8' }}, {{ 'rest', 'jsonb', from = '*' }} }} }}
end
return jobs
'''


def documents(collection):
    for i in range(DOCUMENTS):
        yield {'_id': f'{collection * 1000 + i:024x}', 'n': i, 'name': f'name {i}', 'price': i * 1.5,
               'tags': 'ab'}


def psql_script():
    out = []
    for c in range(COLLECTIONS):
        rows = ''.join(f'{d["_id"]}\t{d["n"]}\t{d["name"]}\t{d["price"]}\t{{"tags": "ab"}}\n'
                       for d in documents(c))
        out.append(f'create table c{c:03} (id text not null, n int, name text, price float8, rest jsonb);\n'
                   f'copy c{c:03} from stdin;\n{rows}\\.\nalter table c{c:03} add primary key (id);\n'
                   f'analyze c{c:03};\n')
    return ''.join(out)


class Small:
    def __init__(self, directory, database, series):
        self.directory, self.database, self.series = directory / 'small', database, series
        folder = self.directory / 'dump' / 'shop'
        folder.mkdir(parents=True)
        for c in range(COLLECTIONS):
            bson.write(folder / f'c{c:03}.bson', list(documents(c)))
            (folder / f'c{c:03}.metadata.json').write_text(json.dumps({
                'options': {}, 'indexes': [{'v': 2, 'key': {'_id': 1}, 'name': '_id_'}],
                'collectionName': f'c{c:03}'}), encoding='utf-8')
        (self.directory / 'all.lua').write_text(SCRIPT, encoding='utf-8')
        (self.directory / 'all.sql').write_text(psql_script(), encoding='utf-8')

    def empty(self):
        names = ', '.join(f'c{c:03}' for c in range(COLLECTIONS))
        self.database.query(f'drop table if exists {names}; drop schema if exists lugger cascade; '
                            'checkpoint')

    def take(self, name, *command):
        self.series.add(name, run(list(command), harness.clean_environment({'PG_URI': self.database.url}),
                                  self.directory))

    def round(self):
        self.empty()
        self.take('small psql', shutil.which('psql'), '-Xq', '-v', 'ON_ERROR_STOP=1',
                  '-d', self.database.url, '-f', 'all.sql')
        self.empty()
        self.take('small load', harness.binary(), 'run', 'all.lua', '--create', '--log', 'none')
        self.take('small again', harness.binary(), 'run', 'all.lua', '--log', 'none')
        self.take('small verify', harness.binary(), 'verify', 'all.lua')
        self.take('small census', harness.binary(), 'describe', 'dump', '--full')
        self.empty()
