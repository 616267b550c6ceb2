"""What is done to a collection as a whole while a job follows it, by the job's policies."""
import signal
import time

import bson
import harness
from live_case import LiveCase
from live_ddl import AWAY, DATABASE, DROP, ONTO, Following, on_ddl
from live_moves import SLOW, TAGS, Writer, copy, script
from mongo_replica import Replica
from mongo_servers import wait_for


class Policies(Following):
    def test_a_drop_is_applied_in_one_unit(self):
        move = self.following("{ drop = 'apply' }")
        self.command('shop', DROP)
        self.wait_for_rows(move)
        self.assertEqual(move.number('select count(*) from docs_tags'), 0)
        move.wait_to_say('drop shop.docs; applied: the rows are deleted')
        move.assert_books()
        # Made anew, it is followed as before.
        self.insert({'_id': 'c', 'k': 'c', 'tags': ['z']})
        self.wait_for_rows(move, 'c')
        move.assert_equal(self.server)
        told = move.end()
        self.assertIn('drop shop.docs', told)
        self.assertEqual(self.noticed(move), 'drop|drop shop.docs|1')
        move.start().follow()
        self.insert({'_id': 'd', 'k': 'd'})
        move.assert_equal(self.server)
        self.assertIn('drop shop.docs', move.work.lugger('status', 'job.lua').out)
        move.end()

    def test_a_dropped_database_is_applied_to_each_job(self):
        self.insert({'_id': 'a', 'k': 'a'}, name='users')
        self.insert({'_id': 'a', 'k': 'a'}, name='kept')
        move = self.following("'apply'", copy('shop.users', 'users', extra="on_ddl = 'apply',"),
                              copy('shop.kept', 'kept', extra="on_ddl = 'warn',"))
        self.command('shop', DATABASE)
        self.wait_for_rows(move)
        move.wait_for(lambda: move.number('select count(*) from users') == 0, 'the other job lost its rows')
        move.wait_to_say('dropDatabase shop; told; the rows stand')
        self.assertEqual(move.number('select count(*) from kept'), 1)
        self.insert({'_id': 'b', 'k': 'b'}, name='kept')
        self.insert({'_id': 'b', 'k': 'b'})
        move.wait_for(lambda: move.number('select count(*) from kept') == 2, 'it goes on')
        move.assert_equal(self.server)
        move.end()

    def test_where_a_drop_stops_the_command_to_go_on_with_accepts_the_script(self):
        move = self.following("'stop'")
        self.command('shop', DROP)
        told = ' '.join(move.ended(1).split())
        self.assertIn('empty the tables and copy it anew: lugger move job.lua --restart', told)
        self.assertIn('go on with: lugger move job.lua --create --accept-changes', told)

    def test_a_drop_that_is_warned_of_leaves_the_rows(self):
        move = self.following("{ drop = 'warn' }")
        with self.server.client() as client:    # what comes right before it is not passed over
            client.insert('shop.docs', {'_id': 'last', 'k': 'last'})
            client.command('shop', DROP)
        self.wait_for_rows(move, 'a', 'b', 'last')
        move.wait_to_say('warning: shop.docs -> docs: drop shop.docs; told; the rows stand')
        self.insert({'_id': 'a', 'k': 'new'}, {'_id': 'c', 'k': 'c'})
        self.wait_for_rows(move, 'b', 'c', 'last', 'new')
        with self.server.client() as client:
            client.delete('shop.docs', {'_id': 'c'})
        self.wait_for_rows(move, 'b', 'last', 'new')
        # The same again, after a restart: the collection is another one, and that is known.
        move.end()
        move.start().follow()
        self.command('shop', DROP)
        move.wait_for(lambda: self.noticed(move) == 'drop|drop shop.docs|2', 'the second drop was counted')
        move.end()

    def test_a_drop_as_the_last_event_is_told_once(self):
        move = self.following("{ drop = 'warn' }")
        self.command('shop', DROP)
        move.wait_for(lambda: self.noticed(move) == 'drop|drop shop.docs|1', 'it was told')
        for how, status in ((signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGKILL, -9)):
            move.end(how, status)
            move.start().wait_to_say('goes on')
            time.sleep(3)
            self.assertEqual(self.noticed(move), 'drop|drop shop.docs|1')
        self.insert({'_id': 'c', 'k': 'c'})
        self.wait_for_rows(move, 'a', 'b', 'c')
        self.assertEqual(self.noticed(move), 'drop|drop shop.docs|1')
        move.end()

    def test_a_collection_made_anew_while_the_move_stood_still_is_refused(self):
        for policy in ("'warn'", "'apply'"):
            move = self.following(policy)
            move.end()
            self.command('shop', DROP)
            self.insert({'_id': 'a', 'k': 'stranger'})
            told = ' '.join(move.start().ended(1).split())
            self.assertIn('the source has changed since it began', told)
            self.assertIn('begin again with --restart', told)
            self.assertEqual(self.rows_of(move), ['a', 'b'])
            move.database.query('truncate docs, docs_tags')
            move.start('--restart').follow()
            self.assertEqual(self.rows_of(move), ['stranger'])
            move.end()
            self.command('shop', DROP)

    def test_rows_that_others_need_are_not_deleted(self):
        move = self.following("'apply'")
        move.database.query("create table needs (doc text references docs); insert into needs values ('a')")
        self.command('shop', DROP)
        told = ' '.join(move.ended(1).split())
        self.assertIn('its rows cannot be deleted', told)
        self.assertIn("on_ddl = { drop = 'warn' } in the job, beside `from`", told)
        self.assertEqual(self.rows_of(move), ['a', 'b'])
        self.assertEqual(self.noticed(move), '')
        move.database.query('drop table needs')
        move.start()
        self.wait_for_rows(move)
        move.end()

    def test_a_new_name_is_followed(self):
        move = self.following("{ rename = 'apply' }")
        self.command('admin', AWAY)
        move.wait_to_say('rename shop.docs to shop.older; applied: shop.older is followed')
        self.insert({'_id': 'c', 'k': 'c'}, name='older')
        self.update({'_id': 'a'}, {'$set': {'k': 'A'}}, name='older')
        self.wait_for_rows(move, 'A', 'b', 'c')
        move.end()
        # What is made under the old name is none of its business; the same command goes on with the new one.
        self.insert({'_id': 'x', 'k': 'x'})
        move.start().follow()
        self.update({'_id': 'a'}, {'$set': {'k': 'B'}}, name='older')
        self.wait_for_rows(move, 'B', 'b', 'c')
        told = move.work.lugger('verify', 'job.lua', '--live', expect=1).err
        self.assertIn('renamed, and shop.older is followed now', ' '.join(told.split()))
        self.command('admin', {'renameCollection': 'shop.older', 'to': 'shop.oldest'})
        self.insert({'_id': 'd', 'k': 'd'}, name='oldest')
        self.wait_for_rows(move, 'B', 'b', 'c', 'd')
        move.end()
        self.command('shop', DROP)
        move.start().follow()
        self.insert({'_id': 'e', 'k': 'e'}, name='oldest')
        self.wait_for_rows(move, 'B', 'b', 'c', 'd', 'e')
        move.assert_books()
        move.end()

    def test_another_collection_in_its_place_stops_the_job(self):
        """Also where a rename is to be applied: no event tells what it holds."""
        self.insert({'_id': 'z', 'k': 'z'}, name='other')
        move = self.following("'apply'")
        self.command('admin', ONTO)
        told = ' '.join(move.ended(1).split())
        self.assertIn('another collection has its place', told)
        self.assertIn('lugger move job.lua --restart', told)
        self.assertEqual(self.rows_of(move), ['a', 'b'])
        move.database.query('delete from docs')
        move.start('--restart').follow()
        self.wait_for_rows(move, 'z')
        move.end()

    def test_a_rename_that_is_warned_of_goes_on_under_the_old_name(self):
        self.insert({'_id': 'z', 'k': 'z'}, name='other')
        move = self.following("'warn'")
        self.command('admin', ONTO)
        move.wait_to_say('rename shop.other to shop.docs; told; the rows stand')
        self.update({'_id': 'z'}, {'$set': {'k': 'Z'}})
        self.wait_for_rows(move, 'Z', 'a', 'b')
        self.command('admin', AWAY)
        self.insert({'_id': 'c', 'k': 'c'})
        self.wait_for_rows(move, 'Z', 'a', 'b', 'c')
        move.end()

    def test_a_policy_that_is_none(self):
        for policy, words in (
                ("'ignore'", 'on_ddl = "ignore" is not one of: stop, warn, apply'),
                ("{ dropp = 'stop' }", 'did you mean drop?'),
                ("{ createIndexes = 'apply' }", 'createIndexes cannot be applied')):
            move = self.move(on_ddl(policy))
            self.assertIn(words, move.start().ended(1))

    def test_a_table_of_two_jobs(self):
        self.insert({'_id': 'a', 'k': 'a'})
        move = self.move(on_ddl("{ drop = 'apply' }"), copy('shop.other', extra=''))
        self.assertIn('shares its table with another job', move.start().ended(1))

    def test_the_plan_shows_the_policies(self):
        self.insert({'_id': 'a', 'k': 'a'})
        move = self.move(on_ddl("{ drop = 'apply', collMod = 'stop' }"))
        said = move.work.lugger('plan', 'job.lua', '--create').out
        words = 'stop: rename, dropDatabase, collMod; warn: create, createIndexes, dropIndexes; apply: drop'
        self.assertIn(words, said)


class Renamed(Following):
    """Behind a rename that was applied; another collection is made under the old name, with the same _ids."""
    RENAMED = 'its collection was renamed, and shop.older is followed now'

    def renamed(self):
        move = self.following("{ rename = 'apply' }")
        self.rename()
        move.wait_to_say('applied: shop.older is followed')
        stands = "select count(*) from lugger.partitions where position like '% as:%'"
        move.wait_for(lambda: move.number(stands), 'it is committed')
        return move

    def rename(self):
        self.command('admin', AWAY)
        self.insert({'_id': 'a', 'k': 'stranger', 'tags': ['s']}, {'_id': 'z', 'k': 'stranger'})

    def test_what_a_repair_asks_for_is_looked_up_under_the_new_name(self):
        move = self.following("{ rename = 'apply' }")
        move.database.query("update docs set k = 'planted' where mongo_id = 'a'")
        move.process.send_signal(signal.SIGSTOP)
        repair = move.work.start('repair', 'job.lua', '--live', '--apply')
        asked = 'select count(*) from lugger.spool'
        wait_for(lambda: move.number(asked) == 1, 'the repair asked')
        self.rename()
        move.process.send_signal(signal.SIGCONT)
        move.wait_to_say('applied: shop.older is followed')
        move.wait_for(lambda: move.number(asked) == 0, 'the repair is answered')
        self.assertEqual(self.rows_of(move), ['a', 'b'])
        told = ' '.join(repair.communicate(timeout=60)[1].split())
        self.assertEqual(repair.returncode, 1, told)
        self.assertIn(self.RENAMED, told)
        move.end()

    def test_nothing_is_verified_repaired_or_loaded_by_the_old_name(self):
        move = self.renamed()
        move.end()
        for command in (['verify'], ['verify', '--live'], ['repair', '--apply', '--delete-extra'],
                        ['repair', '--live', '--apply'], ['run']):
            told = move.work.lugger(command[0], 'job.lua', *command[1:], expect=1).err
            self.assertIn(self.RENAMED, ' '.join(told.split()), command)
            self.assertEqual(self.rows_of(move), ['a', 'b'])
        self.assertIn("write collection = 'shop.older' and name = 'shop.docs -> docs'", told)
        # So written, everything is as before.
        move.database.query("update docs set k = 'planted' where mongo_id = 'a'")
        move.work.script(script(copy('shop.older', extra=f"{TAGS} name = 'shop.docs -> docs',")))
        move.work.lugger('verify', 'job.lua', expect=4)
        move.work.lugger('repair', 'job.lua', '--apply')
        told = move.work.lugger('verify', 'job.lua')
        self.assertIn('shop.docs -> docs: equal', told.out)
        self.assertIn('the script changed', told.out + told.err)
        move.start('--accept-changes').wait_to_say('goes on')
        self.update({'_id': 'b'}, {'$set': {'k': 'B'}}, name='older')
        self.wait_for_rows(move, 'B', 'a')
        told = move.work.lugger('verify', 'job.lua', '--live')
        self.assertNotIn('the script changed', told.out + told.err)   # it was accepted
        move.end()

    def test_the_same_command_mixes_nothing(self):
        """Of the collection that has the old name now, which is changed, dropped and made anew."""
        move = self.renamed()
        move.end()
        self.update({'_id': 'a'}, {'$set': {'k': 'stranger again'}})
        with self.server.client() as client:
            client.delete('shop.docs', {'_id': 'z'})
        self.update({'_id': 'a'}, {'$set': {'k': 'A'}}, name='older')
        move.start().wait_to_say('goes on')
        self.wait_for_rows(move, 'A', 'b')
        self.command('shop', DROP)
        self.insert({'_id': 'a', 'k': 'stranger'}, {'_id': 'b', 'k': 'stranger'})
        self.update({'_id': 'b'}, {'$set': {'k': 'B'}}, name='older')
        with self.server.client() as client:
            client.delete('shop.older', {'_id': 'a'})
        self.wait_for_rows(move, 'B')
        move.assert_books()
        move.end()


class Copying(LiveCase):
    def test_a_drop_stops_the_copy_whatever_the_policy(self):
        Writer(self.server, 31, 2500).fill()
        move = self.move(copy(extra=f"{TAGS} {SLOW % 300} on_ddl = 'apply',"))
        move.start()
        move.wait_for(move.is_copying, 'the copy')
        self.command('shop', DROP)
        told = ' '.join(move.ended(1).split())
        self.assertIn('drop', told)
        self.assertIn('--restart', told)

    def test_a_collection_that_is_not_there(self):
        self.insert({'_id': 'a', 'k': 'a'}, name='docks')
        move = self.move()
        for command, *flags in (['move'], ['run', '--create']):
            self.assertIn('shop.docks', move.start(*flags, command=command).ended(1))
        self.assertEqual(move.number("select count(*) from pg_tables where tablename = 'docs'"), 0)


class Expanded(LiveCase):
    """What MongoDB 6.0 and newer tell of; older ones do not know the option."""

    def setUp(self):
        self.replica = Replica(wire=21)
        self.addCleanup(self.replica.stop)
        super().setUp()
        self.server = self.replica

    def test_indexes_and_options_are_told(self):
        self.insert({'_id': 'a', 'k': 'a'})
        move = self.move(on_ddl("'apply'"))
        move.start().follow()
        self.command('shop', {'createIndexes': 'docs', 'indexes': [
            {'key': {'k': bson.Int32(1)}, 'name': 'k_1', 'unique': True}]})
        move.wait_to_say('createIndexes shop.docs: k_1 {"k":1} unique; cannot be applied; told')
        self.command('shop', {'collMod': 'docs', 'validator': {}})
        self.command('shop', {'dropIndexes': 'docs', 'index': 'k_1'})
        self.command('shop', DROP)
        self.insert({'_id': 'b', 'k': 'b'})
        move.assert_equal(self.server)
        for words in ('collMod shop.docs', 'dropIndexes shop.docs', 'create shop.docs'):
            move.wait_to_say(words)
        move.end()

    def test_they_stop_a_job_that_is_told_so(self):
        self.insert({'_id': 'a', 'k': 'a'})
        move = self.move(on_ddl("{ collMod = 'stop' }"))
        move.start().follow()
        self.command('shop', {'collMod': 'docs', 'validator': {}})
        self.assertIn('collMod shop.docs', move.ended(1))


if __name__ == '__main__':
    harness.main()
