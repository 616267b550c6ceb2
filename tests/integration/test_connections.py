"""What a user may write for a PostgreSQL, and a server that is not there yet."""
import os
import re
import socket
import time
import unittest
import urllib.parse
from pathlib import Path

import bson
import harness
from harness import lua, lugger
from jobs import Work, job
from postgres import Postgres


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def works(self, place, env=None, database=None):
        """A load into the place, and the table read from there again."""
        work = Work(self.server, [{'_id': i, 'n': i} for i in range(5)]) if database is None else Work(
            database, [{'_id': i, 'n': i} for i in range(5)])
        work.script(job("{ 'n', 'int4' }").replace('lugger.env.PG_URI', lua(place)))
        work.lugger('run', 'job.lua', '--create', env={'PG_URI': None, **(env or {})})
        out = work.lugger('describe', place, '--table', 'docs', env={'PG_URI': None, **(env or {})}).out
        self.assertIn('5 documents', out)
        return work

    def test_f17_every_way_libpq_takes_a_place(self):
        directory = self.server.directory
        for number, form in enumerate(
                ('host={d} dbname={b} user=postgres', 'dbname = {b} host = {d} user = postgres',
                 "port=5432 user='postgres' host='{d}' dbname='{b}'",
                 'user=postgres host={d} dbname={b}', 'sslmode=disable host={d} user=postgres dbname={b}',
                 ' host={d} user=postgres dbname={b} ',
                 'application_name=x host={d} user=postgres dbname={b}',
                 'postgresql:///{b}?host={d}&user=postgres', 'postgres:///{b}?host={d}&user=postgres',
                 'postgresql://postgres@{e}/{b}')):
            with self.subTest(form):
                database = self.server.fresh()
                self.works(form.format(d=directory, b=database.name,
                                       e=urllib.parse.quote(directory, safe='')),
                           database=database)

    def test_f17_a_service(self):
        database = self.server.fresh()
        file = Path(harness.scratch()) / 'services'
        file.write_text(f'[shop]\nhost={self.server.directory}\ndbname={database.name}\nuser=postgres\n')
        for place in ('service=shop', 'service = shop', 'postgresql://?service=shop'):
            with self.subTest(place):
                database.query('drop table if exists docs; drop schema if exists lugger cascade')
                self.works(place, env={'PGSERVICEFILE': str(file)}, database=database)

    def test_f17_an_at_sign_in_names(self):
        database = self.server.fresh()
        database.query('create database "my@db"')
        directory = self.server.directory
        for place in (f"host={directory} user=postgres dbname='my@db'",
                      f'postgresql:///my%40db?host={directory}&user=postgres',
                      f'postgresql://postgres@{urllib.parse.quote(directory, safe="")}/my@db'):
            with self.subTest(place):
                database.query('select 1')
                lugger('psql', f"host={directory} user=postgres dbname='my@db'", '-c',
                       'drop table if exists docs; drop schema if exists lugger cascade')
                self.works(place, database=database)

    def test_f17_a_private_server_in_a_directory_with_an_at_sign(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'n': 1}])
        for name in ('local:./pg@home', 'local:./a@b.c/d@e'):
            work.script(job("{ 'n', 'int4' }", table=f't{len(name)}').replace('lugger.env.PG_URI', lua(name)))
            work.lugger('run', 'job.lua', '--create')

    def test_f17_what_exists_is_a_path(self):
        room = Path(harness.scratch())
        bson.write(room / 'host=x.bson', [{'_id': 1}])
        self.assertIn('1 document', lugger('describe', 'host=x.bson', cwd=room).out)
        (room / 'postgres').mkdir()
        bson.write(room / 'postgres/a.bson', [{'_id': 1}])
        self.assertIn('1 document', lugger('describe', 'postgres', cwd=room).out)
        result = lugger('run',
                        harness.script("local lugger = require 'lugger'\nreturn lugger.copy { "
                                       "from = lugger.source('postgres'), into = lugger.target('out "
                                       "dbname=x'), columns = 'document' }",
                                       cwd=room),
                        cwd=room, expect=1)
        self.assertIn('cannot tell what kind of target', result.err)

    def test_f17_parameters_of_other_programs_are_named(self):
        for url, words in (('postgresql://u:s3cret@h/db?pgbouncer=true',
                            ('no connection parameter "pgbouncer"', 'pooled = true')),
                           ('postgresql://u:s3cret@h/db?sslmode=disable&schema=public',
                            ('no connection parameter "schema"', 'another program')),
                           ('postgresql://u:s3cret@h/db?connection_limit=5',
                            ('no connection parameter "connection_limit"',)),
                           ('postgresql://u:s3cret@h/db?pool_timeout=5',
                            ('no connection parameter "pool_timeout"', 'pooled = true')),
                           ('host=h password=s3cret pgbouncer=true',
                            ('no connection parameter "pgbouncer"', 'pooled = true')),
                           ("pgbouncer = true host=h password='s3cret'",
                            ('no connection parameter "pgbouncer"', 'pooled = true')),
                           ("host=h user='it\\'s' schema=public password=s3cret",
                            ('no connection parameter "schema"', 'another program')),
                           ('host=h ssl=true', ('no connection parameter "ssl"',)),
                           ('postgresql://u:s3cret@h/db?sslmod=require',
                            ('no connection parameter "sslmod"', 'did you mean sslmode?')),
                           ('host=h password=a s3cret=b dbname=d',
                            ('cannot read the connection string', 'dbname=d'))):
            with self.subTest(url):
                result = lugger('describe', url, '--table', 't', expect=1)
                text = ' '.join(result.err.split())
                for word in words:
                    self.assertIn(word, text)
                self.assertNotIn('percent', text)
                self.assertNotIn('s3cret', text)

    def test_f17_a_broken_string_is_no_percent_encoding_problem(self):
        result = lugger('describe', "host=x dbname='open password=s3cret", '--table', 't', expect=1)
        self.assertIn('cannot read the connection string', result.err)
        self.assertNotIn('percent', result.err)

    def test_f17_passwords_with_signs_that_belong_escaped_are_not_shown(self):
        for url in ('postgresql://u:s3@cret@h/db', 'postgresql://u:s3/cret@h/db',
                    'postgresql://u:12/cret@h/db', 'postgresql://u:s3?cret@h/db',
                    'postgresql://u:1/s3cret?x=cret@h/db'):
            with self.subTest(url):
                result = lugger('describe', url, '--table', 't', expect=1)
                self.assertNotIn('cret', re.sub(r'secret', '', result.err))

    def test_f17_describe_of_a_database_gives_advice_that_works(self):
        database = self.server.fresh()
        result = lugger('describe', database.url)
        self.assertIn('0 tables', result.out)
        database.query('create table one (id int); insert into one values (1)')
        self.assertIn('1 document', lugger('describe', database.url).out)
        database.query('create table "two words" (id int); insert into "two words" values (1), (2)')
        database.query('create schema s; create table s.three (id int); insert into s.three values (1)')
        result = lugger('describe', database.url)
        self.assertIn('3 tables', result.out)
        command = re.search(r'one in detail:\s+lugger (describe .*)', result.out + result.err).group(1)
        import shlex
        self.assertIn('1 document', lugger(*shlex.split(command)).out)
        for name in re.findall(r'(\S*(?:one|three|two words))\s+table', result.out):
            lugger('describe', database.url, '--table', name)
            lugger('describe', database.url, '-c', name)


class Waiting(unittest.TestCase):
    """The first connection to a server that comes later."""

    def begin(self, url, wait=30):
        work = Work.__new__(Work)
        work.directory, work.source = Path(harness.scratch()), Path(harness.scratch()) / 'docs.bson'
        bson.write(work.source, [{'_id': 1, 'n': 1}])
        (work.directory / 'job.lua').write_text(job("{ 'n', 'int4' }"))
        return harness.start('run', 'job.lua', '--create', cwd=work.directory, env={
            'PG_URI': url, 'MONGO_URI': str(work.source), 'LUGGER_CONNECT_WAIT': str(wait)})

    def told(self, process):
        text = ''
        while 'waiting up to' not in text:
            line = process.stderr.readline()
            if not line:
                raise AssertionError(text)
            text += line
        return text

    def test_f17_no_connection_is_free(self):
        server = Postgres()
        database = server.fresh()
        database.query('create role loader login superuser connection limit 0; '
                       'alter role loader nosuperuser; grant all on database %s to loader; '
                       'grant all on schema public to loader'
                       % database.name)
        process = self.begin(database.url.replace('postgres@',
                                                  'loader@').replace('user=postgres', 'user=loader'))
        text = self.told(process)
        self.assertIn('too many connections', text)
        database.query('alter role loader connection limit -1')
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(database.number('select count(*) from docs'), 1)

    def test_f17_refused_until_somebody_listens(self):
        """A relay to the server's socket stands for a server that starts late."""
        server = Postgres()
        database = server.fresh()
        port = free_port()
        process = self.begin(f'postgresql://postgres@127.0.0.1:{port}/{database.name}?sslmode=disable')
        self.assertIn('Connection refused', self.told(process))
        relay = Relay(port, server.directory + '/.s.PGSQL.5432')
        try:
            process.communicate(timeout=60)
        finally:
            relay.stop()
        self.assertEqual(process.returncode, 0)
        self.assertEqual(database.number('select count(*) from docs'), 1)

    def test_f17_the_wait_ends_and_is_told_once(self):
        port = free_port()
        process = self.begin(f'postgresql://u:s3cret@127.0.0.1:{port}/x', wait=1)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(err.count('waiting up to 1 s'), 1)
        self.assertNotIn('s3cret', err)
        process = self.begin(f'postgresql://u:s3cret@127.0.0.1:{port}/x', wait=0)
        self.assertNotIn('waiting', process.communicate(timeout=60)[1])


class Relay:
    """Bytes between a TCP port and a unix socket."""

    def __init__(self, port, path):
        import threading
        self.path, self.listener = path, socket.create_server(('127.0.0.1', port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        import threading
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.close()


if __name__ == '__main__':
    harness.main()
