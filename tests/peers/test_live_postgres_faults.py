"""What is done to a followed table as a whole: no row of the target goes without a delete of the source."""
import itertools
import unittest

from live_moves import Move
from peer_postgres import PgVector
from postgres import Postgres
from test_live_postgres import script

NUMBERS = itertools.count(1)
COLUMNS = "{ 'id', 'int8' }, { 'body', 'text' }"


class LivePostgresFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.source_server = PgVector({'wal_level': 'logical', 'max_replication_slots': '40',
                                      'max_wal_senders': '20'})
        cls.target_server = Postgres()

    def setUp(self):
        self.name = f'whole{next(NUMBERS)}'
        self.source = self.source_server.fresh()
        self.source.query(f'create table {self.name} (id int8 primary key, body text)')

    def fill(self, rows):
        self.source.query(f"insert into {self.name} select i, 'body ' || i from generate_series(1, {rows}) i")
        return self

    def move(self, **options):
        text = script(self.source.url, self.name, columns=COLUMNS, **options)
        move = Move(self.target_server, self.source.url, text, self.name)
        self.addCleanup(lambda: move.process and move.process.poll() is None and move.process.kill())
        return move

    def count(self, move, condition='true'):
        return move.number(f'select count(*) from {self.name} where {condition}')

    def test_rows_that_changed_before_a_truncate_stand(self):
        """They are more than a stretch, so the first ones are looked up behind the TRUNCATE."""
        self.fill(30000)
        for policy in ('stop', 'warn'):
            with self.subTest(policy=policy):
                move = self.move(extra=f"on_ddl = {{ drop = '{policy}' }},")
                move.start().follow()
                move.end()
                self.source.query(f"update {self.name} set body = 'new' where id <= 25000")
                self.source.query(f'delete from {self.name} where id in (1, 30000)')
                self.source.query(f'truncate {self.name}')
                move.start()
                if policy == 'stop':
                    self.assertIn(f'truncate {self.name}', move.ended())
                else:
                    move.wait_to_say('told; the rows stand')
                    self.source.query(f"insert into {self.name} values (5, 'back')")
                    move.wait_for(lambda one=move: self.count(one, "body = 'back'") == 1, 'the row came')
                    move.end()
                self.assertEqual(self.count(move), 29998)
                move.assert_books()
            self.source.query(f'truncate {self.name}')
            self.fill(30000)

    def test_a_row_that_is_deleted_in_a_later_stretch_goes(self):
        """It is missing when it is looked up for its update; the delete comes behind."""
        self.fill(30000)
        move = self.move()
        move.start().follow()
        move.end()
        self.source.query(f"update {self.name} set body = 'new'")
        self.source.query(f'delete from {self.name} where id % 2 = 0')
        self.source.query(f'update {self.name} set id = id + 100000 where id < 100')
        move.start().follow()
        want = self.source.query(f"select count(*), sum(id), min(body) from {self.name}")
        move.wait_for(lambda: move.database.query(
            f"select count(*), sum(id), min(body) from {self.name}") == want, 'both sides were equal')
        move.end()
        move.assert_books()

    def test_a_table_that_is_written_anew_is_not_taken_for_an_empty_one(self):
        """The look-up waits for ALTER TABLE, for which an older snapshot finds nothing."""
        self.fill(200)
        move = self.move()
        move.start().follow()
        self.source.query(f"""begin; lock table {self.name} in access exclusive mode; select pg_sleep(0.1);
          update {self.name} set body = 'new' where id <= 100; delete from {self.name} where id > 150; commit;
          begin; alter table {self.name} alter body type varchar(99) using body || '!'; select pg_sleep(3);
          commit""")
        move.wait_for(lambda: self.count(move, "body = 'new!'") == 100, 'the updates came')
        self.assertEqual(self.count(move), 150)
        move.end()

    def assert_lost(self, move, words):
        told = move.ended()
        self.assertIn(words, told)
        self.assertIn('lugger move job.lua --restart', told)
        self.assertNotIn('go on with', told)
        self.assertRegex(move.work.lugger('status', 'job.lua').out, rf'{self.name} +lost')

    def test_a_publication_that_leaves_rows_or_the_key_out_is_refused(self):
        self.fill(20)
        name = self.name
        self.source.query(f"""create publication "s'ome" for table {name} where (id < 100);
          create publication keyless for table {name} (body) with (publish = 'insert');
          create publication ours for table {name} (id)""")
        told = self.move(source="publication = \"s'ome\",").start().ended()
        self.assertIn("the publication s'ome leaves out rows: where (id < 100)", told)
        self.assertIn(f'alter publication "s\'ome" drop table "{name}"', told)
        told = self.move(source="publication = 'keyless',").start().ended()
        self.assertIn('the publication keyless leaves out id of the key', told)
        self.assertEqual(self.source.query(
            'select slot_name from pg_replication_slots where database = current_database()'), '')
        move = self.move(source="publication = 'ours',")
        move.start().follow()
        move.end()
        self.source.query(f'alter publication ours set table {name} where (id < 100)')
        self.assert_lost(move.start(), 'the publication ours leaves out rows')

    def test_a_table_that_is_made_anew_while_it_is_followed(self):
        """Nobody writes to it, or somebody does: its changes are in no publication."""
        for rows in (0, 9):
            with self.subTest(rows=rows):
                self.fill(20)
                move = self.move()
                move.start().follow()
                self.source.query(f'begin; drop table {self.name}; '
                                  f'create table {self.name} (id int8 primary key, body text); commit')
                self.fill(rows)
                self.assert_lost(move, 'dropped, renamed or made anew')
                self.assertEqual(self.count(move), 20)
            self.source.query(f'truncate {self.name}')

    def test_a_publication_that_is_gone(self):
        self.fill(20)
        move = self.move()
        move.start().follow()
        name = self.source.query('select pubname from pg_publication')
        self.source.query(f'drop publication {name}')
        self.assert_lost(move, f'there is no publication {name}')
        self.assert_lost(move.start(), f'there is no publication {name}')
        self.source.query(f"update {self.name} set body = 'unheard'")
        self.source.query(f'create publication {name} for table {self.name} (id)')
        self.assert_lost(move.start(), f'the publication {name} was made anew')


if __name__ == '__main__':
    unittest.main()
