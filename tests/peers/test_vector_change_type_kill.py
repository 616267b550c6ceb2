"""lugger vector change-type killed at its statements, and resumed: the table must hold what it would."""
import os
import signal
import unittest

import harness
from cutting import Cutter
from peer_postgres import PgVector

STEPS = ('add', 'backfill', 'compare', 'index', 'swap', 'drop')
EVERY = int(os.environ.get('LUGGER_EVERY', '97'))   # 1: each statement
SETUP = """create table docs (id int primary key, kind text, embedding vector(3) not null default '[0,0,1]');
insert into docs select i, 'k', format('[%s,%s,1]', i, i / 7.0)::vector from generate_series(1, 30) i;
create index near on docs using hnsw (embedding vector_l2_ops);
alter table docs add constraint short check (vector_dims(embedding) = 3);
create unique index once on docs (embedding, id)"""
STATE = (
    "select md5(string_agg(docs::text, ',' order by id)) from docs",
    "select string_agg(attname || format_type(atttypid, atttypmod) || attnotnull || atthasdef, ',' "
    "order by attname) from pg_attribute where attrelid = 'docs'::regclass and attnum > 0 "
    "and not attisdropped",
    "select string_agg(pg_get_indexdef(indexrelid) || indisvalid, ',' order by indexrelid::regclass::text) "
    "from pg_index where indrelid = 'docs'::regclass",
    "select string_agg(conname || convalidated, ',' order by conname) from pg_constraint "
    "where conrelid = 'docs'::regclass and contype <> 'n'",
    "select count(*) from pg_trigger where not tgisinternal",
    "select count(*) from pg_class where relname ~ 'refused'",
    "select string_agg(phase, ',') from lugger.column_changes",
    "select count(*) from lugger.leases",
)


class Killed(unittest.TestCase):
    last = 'drop'

    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()
        database = cls.fresh()
        watch = Cutter(cls.server, 10 ** 9)
        cls.walk(watch.url(database))
        cls.statements, cls.expected = watch.count, cls.state(database)
        watch.close()
        print(f'{cls.statements} statements')

    @classmethod
    def fresh(cls):
        database = cls.server.fresh()
        database.query(SETUP)
        return database

    @classmethod
    def commands(cls, url, call):
        """The steps one after the other; `call` says whether to go on."""
        for name in (*STEPS[:-1], cls.last):
            arguments = ('vector', 'change-type', 'docs.embedding', 'halfvec(3)', '--step', name,
                         '--batch-rows', '10')
            if not call(arguments, {'PG_URI': url}):
                return

    @classmethod
    def walk(cls, url):
        cls.commands(url, lambda arguments, env: harness.lugger(*arguments, env=env))

    @staticmethod
    def state(database):
        return [database.query(sql) for sql in STATE]

    def finish(self, database, what):
        """The step that was killed, once more, and those behind it."""
        def call(arguments, env):
            result = harness.lugger(*arguments, env=env, expect=None)
            self.assertEqual(result.status, 0, f'{what}\n{result!r}')
            return True
        there = database.query("select to_regclass('lugger.column_changes') is not null") == 't'
        if not there or database.query('select count(finished_at) from lugger.column_changes') == '0':
            self.commands(database.url, call)
        self.assertEqual(self.state(database), self.expected, what)

    def killed(self, when, offset):
        for at in range(1 + offset % EVERY, self.statements + 1, EVERY):
            database = self.fresh()
            process = None

            def kill():
                process.send_signal(signal.SIGKILL)
            cutter = Cutter(self.server, at, when, act=kill)

            def call(arguments, env):
                nonlocal process
                process = harness.start(*arguments, env=env)
                process.communicate(timeout=60)
                return process.returncode == 0
            self.commands(cutter.url(database), call)
            cutter.close()
            self.finish(database, f'kill -9 {when} statement {at} of {self.statements}')

    def test_n_16_kill_9_before_a_statement(self):
        self.killed('before', 3)

    def test_n_16_kill_9_before_its_answer(self):
        self.killed('after', 14)


class KilledOnTheWayBack(Killed):
    last = 'back'


if __name__ == '__main__':
    harness.main()
