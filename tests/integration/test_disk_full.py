"""A full disk: one clear message, and the run goes on where it stopped once there is room."""
import os
import subprocess
import unittest

from bson import ObjectId
import harness
from jobs import Work, job
from postgres import Postgres


class Disk:
    """A small file system of its own; needs root and mount."""

    def __init__(self, megabytes):
        self.path = harness.scratch()
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m,mode=777', 'tmpfs',
                               self.path],
                              capture_output=True, text=True)
        if done.returncode != 0:
            harness.skip('no file system can be mounted here: ' + done.stderr.strip())

    def unmount(self):
        subprocess.run(['umount', '-l', self.path], check=False)


if os.geteuid() != 0:
    harness.skip('only root can mount a small file system')
disk = Disk(12)


class DiskFull(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    @classmethod
    def tearDownClass(cls):
        cls.server.destroy()
        disk.unmount()

    def test_server_without_room(self):
        database = self.server.fresh()
        if self.server.user:
            os.chown(disk.path, self.server.user.pw_uid, self.server.user.pw_gid)
        database.query(f"create tablespace small location '{disk.path}'")
        database.query('create table docs (mongo_id text primary key, pad text) tablespace small')
        documents = [{'_id': ObjectId(f'{i:024x}'), 'pad': os.urandom(400).hex()} for i in range(20_000)]
        work = Work(database, documents, job("{ 'pad', 'text' }"))
        result = work.run('-j', 1, expect=1)
        self.assertRegex(result.err, r'(?i)space|full')
        database.query('alter table docs set tablespace pg_default')
        work.run('-j', 1)
        self.assertEqual(database.query('select count(*), count(distinct mongo_id) from docs'), '20000|20000')

    LINES = """local lugger = require 'lugger'
      return lugger.copy {{ from = lugger.source('docs.bson', {{ collection = 'shop.docs' }}),
        into = lugger.target('{}', {{ state = '{}' }}),
        columns = {{ {{ 'id', 'int4', from = '_id' }}, {{ 'n', 'int4' }}, {{ 'v', 'text' }} }} }}"""

    def lines(self, output, state):
        """A job of several units in which every other document is refused; it fails, and is run again
        once there is room."""
        count = 30_000
        disk = Disk(12)
        self.addCleanup(disk.unmount)
        documents = [{'_id': i, 'n': 'n/a' if i % 2 else i, 'v': 'x' * 1000} for i in range(count)]
        output, state = (place.format(disk=disk.path) for place in (output, state))
        work = Work(None, documents, text=self.LINES.format(output, state))
        run = ('run', 'job.lua', '-j', '2')
        for _ in range(2):
            failed = harness.lugger(*run, cwd=work.directory, expect=1)
            self.assertRegex(failed.err, r'(?i)space|full')
            self.assertIn('make room, then run the same command again', failed.err)
        subprocess.run(['mount', '-o', 'remount,size=200m', disk.path], check=True)
        books = harness.lugger(*run, cwd=work.directory, expect=3).books()
        self.assertEqual((books['read'], books['inserted'], books['rejected']),
                         (count, count // 2, count // 2))
        ids = [line['id']
               for line in harness.json_lines((work.directory / output).read_text(encoding='utf-8'))]
        self.assertEqual(sorted(ids), list(range(0, count, 2)))
        harness.lugger('rejects', 'job.lua', '--export', 'bad.jsonl', cwd=work.directory)
        refused = harness.json_lines((work.directory / 'bad.jsonl').read_text(encoding='utf-8'))
        self.assertEqual(sorted(int(line['document']['_id']['$numberInt']) for line in refused),
                         list(range(1, count, 2)))

    def test_file_without_room(self):
        self.lines('{disk}/out.jsonl', '.lugger')

    def test_ledger_without_room(self):
        self.lines('out.jsonl', '{disk}/state')

    def test_file_and_ledger_without_room(self):
        self.lines('{disk}/out.jsonl', '{disk}/state')


if __name__ == '__main__':
    harness.main()
