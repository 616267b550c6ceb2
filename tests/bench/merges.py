"""The second run: the same documents merged into a table that has them, beside what psql does with a
staging table and INSERT ... ON CONFLICT. Once all rows are as they come, once none is."""
import random
import subprocess
import time

import harness
from bson import Int32, write
from measure import Sample, run

FIELDS = ('email', 'name', 'metadata', 'created_at', 'updated_at')
USERS = {'users': "mongo_id text, email text, name text, metadata jsonb, created_at timestamptz, "
                  'updated_at timestamptz'}
ORDERS = {'orders': 'id text, city text, total float8', 'lines': 'parent_id text, ordinal int4, sku text, '
                    'qty int4'}
JOB = '''local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source(lugger.env.MONGO_URI, {{ collection = 'shop.{table}' }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = '{table}', key = '{key}', on_conflict = 'update' }}),
  {columns}
}}
'''
ORDER_COLUMNS = '''columns = { { 'id', 'text', from = '_id' }, { 'city', 'text' }, { 'total', 'float8' } },
  children = { { table = 'lines', from = 'lines[]', columns = { { 'sku', 'text' }, { 'qty', 'int4' } } } },'''
USER_COLUMNS = '''columns = {
    { 'mongo_id', 'text', from = '_id', required = true }, { 'email', 'text' }, { 'name', 'text' },
    { 'metadata', 'jsonb' }, { 'created_at', 'timestamptz', from = 'createdAt' },
    { 'updated_at', 'timestamptz', from = 'updatedAt' },
  },'''
LINES = 3


def upsert(table, key, fields, source):
    names = ', '.join(key + fields)
    old, new = (', '.join(f'{side}.{field}' for field in fields) for side in ('t', 'excluded'))
    return (f"insert into {table} as t ({names}) select {names} from {source} on conflict ({', '.join(key)}) "
            f"do update set {', '.join(f'{field} = excluded.{field}' for field in fields)} "
            f'where ({old}) is distinct from ({new});')


class Merges:
    def __init__(self, bench):
        self.bench, self.database, self.series = bench, bench.database, bench.series
        self.orders = bench.options.rows // 4
        for table, key, columns in (('users', 'mongo_id', USER_COLUMNS), ('orders', 'id', ORDER_COLUMNS)):
            (bench.directory / f'merge-{table}.lua').write_text(
                JOB.format(table=table, key=key, columns=columns), encoding='utf-8')

    def prepare(self):
        """Orders of three lines, as BSON and as the rows that psql copies."""
        data = self.bench.data
        if (data / f'orders-{self.orders}').exists():
            return
        rng = random.Random(2)
        parts = [[open(data / f'{name}.{part}.tsv', 'w', encoding='utf-8') for name in ('orders', 'lines')]
                 for part in range(2)]

        def documents():
            for number in range(self.orders):
                orders, lines = parts[number * 2 // self.orders]
                key, city, total = f'order{number:09d}', f'City {number % 977}', rng.randrange(10000) / 4
                found = [{'sku': f'sku-{number}-{i}', 'qty': Int32(rng.randrange(9))} for i in range(LINES)]
                orders.write(f'{key}\t{city}\t{total!r}\n')
                for i, line in enumerate(found):
                    lines.write(f"{key}\t{i + 1}\t{line['sku']}\t{line['qty'].value}\n")
                yield {'_id': key, 'city': city, 'total': total, 'lines': found}
        write(data / 'orders.bson', documents())
        for files in parts:
            for file in files:
                file.close()
        (data / f'orders-{self.orders}').touch()

    def lugger(self, name, table, connections):
        env = harness.clean_environment({'MONGO_URI': str(self.bench.data / f'{table}.bson'),
                                         'PG_URI': self.database.url})
        sample = run([harness.binary(), 'run', f'merge-{table}.lua', '--create', '--log', 'none', '-j',
                      str(connections)], env, self.bench.directory)
        if name:
            self.series.add(name, sample)

    def psql(self, name, scripts):
        began = time.monotonic()
        merges = [subprocess.Popen(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', self.database.url],
                                   stdin=subprocess.PIPE, text=True) for _ in scripts]
        for merge, script in zip(merges, scripts):
            merge.stdin.write(script)
            merge.stdin.close()
        if any(merge.wait() for merge in merges):
            raise SystemExit('psql failed')
        self.series.add(name, Sample(time.monotonic() - began, 0, 0, ''))

    def users_script(self, file):
        return (f"create temp table s ({USERS['users']});\n"
                f"\\copy s from '{self.bench.data / file}' (format binary)\n"
                + upsert('users', ('mongo_id',), FIELDS, 's'))

    def orders_script(self, parts):
        """A careful hand's: lines that do not come again are deleted, the others set where they differ."""
        copies = ''.join(f"\\copy p from '{self.bench.data}/orders.{part}.tsv'\n"
                         f"\\copy c from '{self.bench.data}/lines.{part}.tsv'\n" for part in parts)
        return (f"create temp table p ({ORDERS['orders']}); create temp table c ({ORDERS['lines']});\n"
                f'{copies}analyze p; analyze c; begin;\n' + upsert('orders', ('id',), ('city', 'total'), 'p')
                + 'delete from lines t using p where t.parent_id = p.id and not exists (select from c where '
                  'c.parent_id = t.parent_id and c.ordinal = t.ordinal);'
                + upsert('lines', ('parent_id', 'ordinal'), ('sku', 'qty'), 'c') + 'commit;')

    def lay(self, change):
        """Rows as they were loaded, or none as it comes, in tables without dead rows."""
        self.database.query(change + '; vacuum full; analyze; checkpoint')

    def pair(self, what, table, change, scripts):
        for connections in (1, 2):
            for who in ('psql', 'lugger'):
                self.lay(change)
                name = f'{who} {what} {connections}'
                if who == 'psql':
                    self.psql(name, scripts[connections])
                else:
                    self.lugger(name, table, connections)

    def round(self):
        self.prepare()
        self.database.query('drop table if exists users, orders, lines; drop schema if exists lugger cascade')
        self.lugger('', 'users', 2)
        scripts = {1: [self.users_script('users.copy')],
                   2: [self.users_script(f'users.{part}.copy') for part in range(2)]}
        self.pair('same', 'users', 'select', scripts)
        self.pair('other', 'users', "update users set name = name || '!'", scripts)
        self.lugger('', 'orders', 2)
        scripts = {1: [self.orders_script((0, 1))], 2: [self.orders_script((part,)) for part in range(2)]}
        self.pair('children same', 'orders', 'select', scripts)
        self.pair('children other', 'orders', "update orders set city = city || '!'; update lines set qty = "
                  '-qty - 1', scripts)
        self.database.query('drop table users, orders, lines; drop schema lugger cascade')


WHAT = {'same': 'merge of rows that are there', 'other': 'merge of rows that all differ',
        'children same': 'the same with child rows, that are there',
        'children other': 'the same with child rows, that all differ'}


def rows(series, ratio_row):
    out = []
    for what, text in WHAT.items():
        for connections in (1, 2):
            if series.has(f'lugger {what} {connections}'):
                line = (f"{text}, {connections} connection{'s' * (connections > 1)}; peer: psql's staging "
                        'table and upsert')
                out.append(ratio_row(series, line, f'lugger {what} {connections}',
                                     f'psql {what} {connections}', 1.25))
    return out
