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
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m,mode=777', 'tmpfs', self.path], capture_output=True, text=True)
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

    def test_file_without_room(self):
        work = Work(self.server.fresh(), [{'_id': i, 'v': 'x' * 1000} for i in range(30_000)], text=f"""local lugger = require 'lugger'
          return lugger.copy {{ from = lugger.source('docs.bson', {{ collection = 'shop.docs' }}),
            into = lugger.target('{disk.path}/out.jsonl'), columns = {{ {{ 'mongo_id', 'text', from = '_id' }}, {{ 'v', 'text' }} }} }}""")
        self.assertRegex(work.run(expect=1).err, r'(?i)space|full')


if __name__ == '__main__':
    harness.main()
