"""Where a move writes to: a table for each kind of document, a branch of the database, a pooler."""
from types import SimpleNamespace

import bson
import harness
import pooler
from live_case import LiveCase
from live_moves import copy

KINDS = "route = { from = 'kind', tables = { book = 'books', film = 'films' }, otherwise = 'docs' },"
COLUMNS = "{ 'mongo_id', 'text', from = '_id' }, { 'k', 'text' }, { 'price', 'numeric' }, { 'by', 'jsonb' }"


class Tables(LiveCase):
    def rows_of(self, move):
        parts = [f"select '{table}' as t, k, price, by from {table} where k not like 'mark%'"
                 for table in ('books', 'films', 'docs')]
        return move.database.query(' union all '.join(parts) + ' order by k').split('\n')

    def test_s0_06_documents_of_several_kinds_are_copied_and_followed(self):
        """Also values of several types in one field."""
        self.insert({'_id': 'a', 'k': 'a', 'kind': 'book', 'price': '9.99', 'by': 'Ann'},
                    {'_id': 'b', 'k': 'b', 'kind': 'film', 'price': 9.5, 'by': ['Bo', {'née': 'Ü'}]},
                    {'_id': 'c', 'k': 'c', 'price': bson.Int64(1 << 40), 'by': {'name': 'Cy'}})
        job = copy(columns=COLUMNS, extra=KINDS).replace("table = 'docs', ", '')
        move = self.move(job).start().follow()
        self.insert({'_id': 'd', 'k': 'd', 'kind': 'film', 'price': bson.Decimal128('0.10'), 'by': None})
        self.update({'_id': 'a'}, {'$set': {'price': bson.Int32(7)}})
        self.update({'_id': 'b'}, {'$set': {'by': 3}})
        with self.server.client() as client:
            client.delete('shop.docs', {'_id': 'c'})
        wanted = ['books|a|7|"Ann"', 'films|b|9.5|3', 'films|d|0.10|']
        move.wait_for(lambda: self.rows_of(move) == wanted, f'the rows are {wanted}')
        move.work.lugger('verify', 'job.lua', '--live')
        # Of one that becomes another kind, the row before stays until a repair.
        self.update({'_id': 'a'}, {'$set': {'kind': 'film'}})
        move.wait_for(lambda: 'films|a|7|"Ann"' in self.rows_of(move), 'the new row')
        move.end()
        self.assertIn('1 extra', move.work.lugger('verify', 'job.lua', expect=4).out)
        move.work.lugger('repair', 'job.lua', '--apply', '--delete-extra', '--delete-many')
        self.assertEqual(self.rows_of(move), ['films|a|7|"Ann"', *wanted[1:]])


class Branches(LiveCase):
    def branch_of(self, move):
        """A copy of the database as it is, which a branch is, or a restore to a point in time; and a move
        into it, through a pooler."""
        other = self.postgres.fresh('branch', f'template "{move.database.name}"')
        proxy = pooler.Pooled(self.postgres)
        self.addCleanup(proxy.stop)
        pooled = SimpleNamespace(url=proxy.url(other.name), query=other.query, name=other.name)
        out = self.move(copy(more='pooled = true,'), postgres=SimpleNamespace(fresh=lambda: pooled))
        (out.work.directory / '.env').write_text(f'PG_DIRECT_URI={other.url}\n', encoding='utf-8')
        return out

    def test_s0_81_a_branch_is_run_into_followed_and_verified_by_its_url(self):
        """It holds the position, too: what was changed since it was made is applied to it."""
        pooler.require()
        documents = [{'_id': f's{i}', 'k': f's{i}', 'n': bson.Int32(i), 'pad': 'p', 'tags': ['x']}
                     for i in range(50)]
        self.insert(*documents)
        move = self.move().start().follow()
        move.settle(self.server)
        move.end()
        branch = self.branch_of(move)
        self.assertIn('equal, 101 rows', branch.work.lugger('verify', 'job.lua').out)
        self.update({'_id': 's1'}, {'$set': {'n': bson.Int32(-1)}})
        with self.server.client() as client:
            client.delete('shop.docs', {'_id': 's2'})
        branch.start('--accept-changes').wait_to_say('goes on')
        branch.marks = move.marks
        branch.assert_equal(self.server)
        branch.work.lugger('verify', 'job.lua', '--live')
        self.assertEqual(move.number("select n from docs where mongo_id = 's1'"), 1)   # not of this one
        branch.end()
        move.start().wait_to_say('goes on')
        move.marks = branch.marks
        move.assert_equal(self.server)
        move.end()
        # A copy by itself, into one that is empty.
        branch.work.database.query('drop table docs_tags, docs')
        branch.work.lugger('run', 'job.lua', '--create', '--restart')
        self.assertEqual(branch.number('select count(*) from docs'), len(branch.documents(self.server)))


if __name__ == '__main__':
    harness.main()
