"""Collections that are not like the others: views, time series, capped and clustered ones, the server's own,
and names that nobody should give. Each is moved, or refused by name before anything is written."""
import bson
import harness
from jobs import Work, job
from live_case import LiveCase
from live_moves import copy, script
from mongo_replica import Replica
from mongo_wire import CommandError

NAMES = ('a.b', "or'der \"items\"", 'ü%n', 'docs$x', '^d.*', 'docs ', 'n' * 60)


class Kinds(LiveCase):
    def setUp(self):
        super().setUp()
        self.client = self.server.client()

    def insert(self, collection, *numbers):
        super().insert(*({'_id': bson.Int32(n), 'k': f'k{n}', 'n': bson.Int32(n)} for n in numbers),
                       name=collection)

    def move(self, *collections):
        return super().move(*(copy(f'shop.{name}', f't{place}', extra='')
                              for place, name in enumerate(collections)))

    def refused(self, collection, *words):
        text = job("{ 'n', 'int8' }", collection=collection, conflict='update')
        work = Work(self.postgres.fresh(), text=text)
        work.source = self.server.url
        for command in (('plan',), ('run', '--create'), ('move', '--create')):
            if command[0] == 'move':
                work.script(script(copy(collection)))
            told = work.lugger(command[0], 'job.lua', *command[1:], expect=1).err
            for one in words:
                self.assertIn(one, told, command)
        tables = "select count(*) from pg_tables where schemaname = 'public'"
        self.assertEqual(work.database.query(tables), '0')

    def rows(self, move, table='t0'):
        found = move.database.rows(f'select k, n from {table} order by n, k')
        return [(k, int(n)) for k, n in found]

    def wait_for_rows(self, move, rows, table='t0'):
        move.wait_for(lambda: self.rows(move, table) == rows, f'{rows} in {table}')

    def test_a_view(self):
        self.insert('docs', 1, 2)
        self.client.command('shop', {'create': 'grown', 'viewOn': 'docs',
                                     'pipeline': [{'$match': {'n': 2}}]})
        self.refused('shop.grown', 'shop.grown in mongodb://', 'is a view', 'copy the collection')
        self.refused('shop.system.views', 'shop.system.views in mongodb://', 'belongs to the server itself')

    def test_a_time_series(self):
        try:
            self.client.command('shop', {'create': 'heat', 'timeseries': {'timeField': 'at'}})
        except CommandError as error:
            self.skipTest(f'{self.server.name} knows no time series: {error}')
        self.refused('shop.heat', 'shop.heat in mongodb://', 'is a time series', 'mongoexport')

    def test_the_servers_own(self):
        for name in ('local.oplog.rs', 'local.startup_log', 'admin.system.version', 'config.transactions'):
            if self.server.name == Replica.name:
                self.server.store.create(*name.split('.', 1), {}, 'collection')
            elif name == 'config.transactions':
                self.client.transaction('shop', [{'insert': 'docs', 'documents': [{'_id': 1}]}])
            self.refused(name, f'{name} in mongodb://', 'belongs to the server itself', 'mongodump')

    def test_a_capped_collection_grows(self):
        """What the server removes at its end is not told: its rows stay, and `plan` says so."""
        self.client.command('shop', {'create': 'log', 'capped': True, 'size': bson.Int32(1 << 20),
                                     'max': bson.Int32(5)})
        self.insert('log', 1, 2, 3)
        move = self.move('log')
        self.assertIn('it is capped', move.work.lugger('plan', 'job.lua', '--create').out)
        move.start().follow()
        for n in range(4, 9):
            self.insert('log', n)
        self.client.update('shop.log', {'_id': bson.Int32(8)}, {'$set': {'k': 'K8'}})
        found = [(f'k{n}', n) for n in range(1, 8)] + [('K8', 8)]
        self.wait_for_rows(move, found)
        left = sorted(document['n'] for document in self.client.find('shop.log'))
        self.assertEqual([int(n) for n in left], [4, 5, 6, 7, 8])
        move.end()

    def test_a_clustered_collection(self):
        try:
            self.client.command('shop', {'create': 'docs', 'clusteredIndex': {
                'key': {'_id': 1}, 'unique': True}})
        except CommandError as error:
            if self.server.name == Replica.name:
                raise
            self.skipTest(f'{self.server.name} knows no clustered collections: {error}')
        self.insert('docs', *range(1, 400))
        move = self.move('docs')
        move.start().follow()
        self.insert('docs', 1000)
        self.client.delete('shop.docs', {'n': {'$lt': bson.Int32(398)}})
        self.wait_for_rows(move, [('k398', 398), ('k399', 399), ('k1000', 1000)])
        move.end()

    def test_names(self):
        """A change goes to the collection of its name, and to none that is like it."""
        names = [name for name in NAMES if self.takes(name)]
        self.assertGreater(len(names), 4)
        move = self.move('docs', *names)
        self.insert('docs', 1)
        move.start().follow(1 + len(names))
        for place, name in enumerate(names, 1):
            self.insert(name, 100 + place)
            self.client.update(f'shop.{name}', {'_id': bson.Int32(2)}, {'$set': {'k': name}})
        self.insert('docs', 7)
        self.wait_for_rows(move, [('k1', 1), ('k7', 7)])
        for place, name in enumerate(names, 1):
            self.wait_for_rows(move, [(name, 2), (f'k{100 + place}', 100 + place)], f't{place}')
        move.end()

    def takes(self, name):
        try:
            self.insert(name, 2)
            return True
        except CommandError:
            return False


if __name__ == '__main__':
    harness.main()
