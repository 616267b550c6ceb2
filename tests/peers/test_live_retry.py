"""Documents that the target refuses because of rows of others are tried again by themselves."""
import time

import bson
import harness
from harness import lua
from live_case import LiveCase
from live_moves import COLUMNS, TAGS, Writer, copy
from mongo_servers import wait_for

ORG = COLUMNS + ", { 'org', 'text' }"
REJECTS = 'select count(*) from lugger.rejects'
KEPT = "select count(*) from lugger.spool where job like 'refused of %'"


class Waits(LiveCase):
    def following(self, *jobs, sql='', **more):
        move = self.move(*(jobs or [copy()]), **more)
        move.start().follow(jobs=max(1, len(jobs)))
        move.settle(self.server)
        if sql:
            move.database.query(sql)
        return move

    def two_jobs(self):
        """Documents that refer to rows of another job's table."""
        self.insert({'_id': 'o0', 'k': 'o0'}, name='orgs')
        self.insert({'_id': 'a', 'k': 'a', 'org': 'o0'})
        return self.following(copy(columns=ORG), copy('shop.orgs', 'orgs', extra=''),
                              sql='alter table docs add foreign key (org) references orgs (mongo_id)')

    def rejects(self, move, count, what):
        move.wait_for(lambda: move.number(REJECTS) == count, what)

    def org(self, name):
        self.insert({'_id': name, 'k': name}, name='orgs')

    def test_a_row_that_comes_by_another_job(self):
        move = self.two_jobs()
        self.insert(*({'_id': f'd{i}', 'k': f'd{i}', 'org': 'o1', 'tags': ['x', 'y']} for i in range(40)))
        self.update({'_id': 'a'}, {'$set': {'org': 'o1'}})
        self.rejects(move, 41, 'all were refused')
        time.sleep(4)
        self.assertEqual(move.number(REJECTS), 41)
        self.org('o1')
        self.rejects(move, 0, 'all were accepted')
        self.assertEqual(move.database.query("select count(*) from docs where org = 'o1'"), '41')
        self.assertEqual(move.number('select count(*) from docs_tags'), 80)
        self.assertEqual(move.number(KEPT), 0)
        move.wait_to_say('41 rejects cleared: accepted when tried again')
        move.assert_books()
        self.assertEqual(move.number('select sum(rejected) from lugger.partitions'), 41)
        self.assertEqual(move.end().count('cleared: accepted'), 1 + 1)      # and at the end

    def test_tried_again_after_a_restart(self):
        for how in ('stopped', 'killed'):
            with self.subTest(how):
                self.server.destroy()
                self.setUp()
                self.restarted(how)

    def restarted(self, how):
        move = self.two_jobs()
        self.insert({'_id': 'b', 'k': 'b', 'org': 'o1'}, {'_id': bson.Int32(7), 'k': '7', 'org': 'o2'})
        self.rejects(move, 2, 'both were refused')
        if how == 'killed':
            move.process.kill()
            move.process.wait()
        else:
            move.end()
        self.org('o1')
        self.update({'_id': 'b'}, {'$set': {'n': bson.Int32(5)}})
        move.start()
        self.rejects(move, 1, 'one was accepted')
        self.org('o2')
        self.rejects(move, 0, 'the other was accepted')
        self.assertEqual(move.database.query("select k, org, n from docs where org > 'o0' order by 1"),
                         '7|o2|\nb|o1|5')
        move.assert_books()
        move.end()

    def test_what_the_copy_was_refused(self):
        """Tables with a foreign key are there before the copy, and the row that is referred to is not."""
        self.insert({'_id': 'o0', 'k': 'o0'}, name='orgs')
        self.insert({'_id': 'a', 'k': 'a', 'org': 'o0'}, {'_id': 'b', 'k': 'b', 'org': 'o1'})
        move = self.move(copy(columns=ORG, extra=''), copy('shop.orgs', 'orgs', extra=''))
        fields = 'mongo_id text primary key, k text, n int8, pad text'
        move.database.query(f"create table orgs ({fields}); create table docs ({fields}, org text references "
                            "orgs); insert into orgs values ('o0')")
        move.start().follow(jobs=2)
        self.rejects(move, 1, 'one was refused')
        self.org('o1')
        self.rejects(move, 0, 'it was accepted')
        self.assertEqual(move.database.query('select k, org from docs order by 1'), 'a|o0\nb|o1')
        move.end()

    def test_a_unique_value_that_comes_free_later(self):
        self.insert({'_id': 'a', 'k': 'a', 'n': bson.Int32(1)}, {'_id': 'b', 'k': 'b', 'n': bson.Int32(2)})
        move = self.following(sql='create unique index on docs (n)')
        self.update({'_id': 'b'}, {'$set': {'n': bson.Int32(1)}})
        self.insert({'_id': 'c', 'k': 'c', 'n': bson.Int32(2)})
        self.rejects(move, 2, 'both were refused')
        self.update({'_id': 'a'}, {'$set': {'n': bson.Int32(3)}})
        self.rejects(move, 0, 'both were accepted')
        move.assert_equal(self.server)
        move.end()

    def swapped(self, *sql):
        """Five that want each other's values, one after the other, and one that wants a stranger's."""
        self.insert(*({'_id': f'u{i}', 'k': f'u{i}', 'n': bson.Int32(i)} for i in range(7)))
        move = self.following(sql='create unique index on docs (n); ' + ';'.join(sql))
        for i, n in ((0, 1), (1, 0), (2, 3), (3, 4), (4, 2), (5, 6)):
            self.update({'_id': f'u{i}'}, {'$set': {'n': bson.Int32(n), 'pad': 'new'}})
            time.sleep(0.3)     # a unit for each
        return move

    def test_values_that_are_swapped(self):
        move = self.swapped()
        self.rejects(move, 1, 'all but one were accepted')
        self.assertEqual(move.database.query('select n from docs where n >= 0 order by k'),
                         '1\n0\n3\n4\n2\n5\n6')
        self.assertEqual(move.database.query('select document_id from lugger.rejects'), 'u5')
        self.update({'_id': 'u6'}, {'$set': {'n': bson.Int32(60)}})
        self.rejects(move, 0, 'the last was accepted')
        move.assert_equal(self.server)
        move.end()

    def test_values_that_cannot_be_set_aside(self):
        quiet = 'create function f() returns trigger language plpgsql as $$begin return null; end$$'
        for sql in (['alter table docs alter n set not null'],
                    [quiet, 'create trigger t after update on docs for each row execute function f()'],
                    ['create table other (n int8 references docs (n) on update cascade)',
                     'insert into other select n from docs where n in (0, 2)']):
            with self.subTest(sql):
                self.server.destroy()
                self.setUp()
                move = self.swapped(*sql)
                self.rejects(move, 6, 'none was accepted')
                time.sleep(4)
                self.assertEqual(move.number(REJECTS), 6)
                self.assertEqual(move.database.query('select n from docs where n >= 0 order by k'),
                                 '0\n1\n2\n3\n4\n5\n6')
                self.update({'_id': 'u0'}, {'$set': {'n': bson.Int32(100)}})
                self.rejects(move, 4, 'its own, and the one that wants its value')
                move.end()

    def test_child_rows_of_a_composite_key(self):
        columns = ("{ 'tenant', 'text', from = '_id.t' }, { 'number', 'int4', from = '_id.n' }, "
                   "{ 'k', 'text' }")
        job = copy(columns=columns, conflict='newer', more="newer = 'k',").replace(
            "key = 'mongo_id'", "key = { 'tenant', 'number' }")
        first, second = ({'t': 'ü', 'n': bson.Int32(i)} for i in (1, 2))
        move = self.move(job)
        self.insert({'_id': first, 'k': 'a', 'tags': ['x', 'y']}, {'_id': second, 'k': 'a', 'tags': ['z']})
        move.start().follow()
        move.database.query('create unique index on docs_tags (tag)')
        self.update({'_id': second}, {'$set': {'k': 'b', 'tags': ['y', 'z']}})
        self.rejects(move, 1, 'a tag is taken')
        self.update({'_id': first}, {'$set': {'k': 'c', 'tags': ['w']}})
        self.rejects(move, 0, 'it was accepted')
        tags = "select string_agg(tag, ',' order by number, ordinal) from docs_tags join docs " \
               "on parent_tenant = tenant and parent_number = number"
        self.assertEqual(move.database.query(tags), 'w,y,z')
        move.end()

    def test_a_row_that_others_refer_to_is_deleted_later(self):
        move = self.two_jobs()
        self.command('shop', {'delete': 'orgs', 'deletes': [{'q': {'_id': 'o0'}, 'limit': 1}]})
        self.rejects(move, 1, 'a row refers to it')
        self.assertEqual(move.number('select count(*) from orgs'), 1)
        self.command('shop', {'delete': 'docs', 'deletes': [{'q': {'_id': 'a'}, 'limit': 1}]})
        self.rejects(move, 0, 'it was deleted')
        self.assertEqual(move.number('select count(*) from orgs'), 0)
        move.end()

    def test_what_became_of_it_meanwhile_counts(self):
        """Another reason, or no document any more: each is as if it had just changed."""
        move = self.two_jobs()
        self.insert({'_id': 'b', 'k': 'b', 'org': 'o1'}, {'_id': 'c', 'k': 'c', 'org': 'o1'})
        self.rejects(move, 2, 'both were refused')
        self.command('shop', {'delete': 'docs', 'deletes': [{'q': {'_id': 'c'}, 'limit': 1}]})
        self.update({'_id': 'b'}, {'$set': {'n': 'no number'}})
        move.wait_for(lambda: move.database.query('select document_id, code from lugger.rejects')
                      == 'b|bad_value', 'the newer reason')
        move.wait_for(lambda: move.number(KEPT) == 0, 'it is not tried again')
        self.org('o1')
        self.update({'_id': 'b'}, {'$set': {'n': bson.Int32(1)}})
        self.rejects(move, 0, 'it was corrected')
        self.assertEqual(move.database.query("select k from docs where org = 'o1'"), 'b')
        move.end()

    def test_some_of_the_documents(self):
        """A document that is not meant any more has no row, and no reject."""
        job = copy(columns=ORG).replace(lua('shop.docs'), lua('shop.docs') + ", where = { k = 'yes' }")
        self.org('o0')
        self.insert({'_id': 'z', 'k': 'no'})
        move = self.move(job, copy('shop.orgs', 'orgs', extra=''))
        move.start().follow(jobs=2)
        move.database.query('alter table docs add foreign key (org) references orgs (mongo_id)')
        self.insert(*({'_id': one, 'k': 'yes', 'org': 'o1'} for one in 'ab'))
        self.rejects(move, 2, 'both were refused')
        self.update({'_id': 'b'}, {'$set': {'k': 'no'}})
        self.rejects(move, 1, 'one is not meant')
        self.org('o1')
        self.rejects(move, 0, 'the other was accepted')
        self.assertEqual(move.database.query('select mongo_id from docs'), 'a')
        move.end()

    def test_changes_do_not_wait_for_what_is_refused_for_ever(self):
        """Hundreds of rejects stay; what is written meanwhile is applied as before, and counted once."""
        move = self.two_jobs()
        count = 400
        self.insert(*({'_id': f'x{i}', 'k': f'x{i}', 'org': 'none'} for i in range(count)))
        self.rejects(move, count, 'all were refused')
        writer = Writer(self.server, 5, 200).fill()
        writer.start()
        slowest, end = 0, time.monotonic() + 12
        while time.monotonic() < end:
            begin = time.monotonic()
            move.settle(self.server)
            slowest = max(slowest, time.monotonic() - begin)
        writer.finish()
        move.settle(self.server)
        self.assertLess(slowest, 4)
        self.rejects(move, count, 'they stay')
        self.assertEqual(move.number('select sum(rejected) from lugger.partitions'), count)
        move.assert_books()
        self.org('none')
        move.wait_for(lambda: move.number(REJECTS) == 0, 'all were accepted', 120)
        move.assert_equal(self.server)
        move.end()


if __name__ == '__main__':
    harness.main()
