"""Two hosts load one dump: network namespaces with a PostgreSQL between them; one is killed, or cut off."""
import os
import shutil
import subprocess
import sys
import time
import unittest

import harness

INSIDE = 'LUGGER_TEST_NETWORK'


def network():
    """Runs this file in a network of its own, which goes with it; skips where that may not be."""
    if os.environ.get(INSIDE):
        return
    if shutil.which('unshare') is None or shutil.which('nsenter') is None or shutil.which('ip') is None:
        harness.skip('two hosts need unshare, nsenter and ip')
    if subprocess.run(['unshare', '-n', '-u', 'sh', '-c', 'ip link add lug0 type veth peer name lug1'],
                      capture_output=True).returncode != 0:
        harness.skip('this kernel, or these rights, give no network namespaces')
    os.environ[INSIDE] = '1'
    os.execvp('unshare', ['unshare', '-n', sys.executable, '-B', *sys.argv])


if __name__ == '__main__':
    network()

from bson import ObjectId  # noqa: E402
from jobs import Work, job  # noqa: E402
from postgres import Postgres  # noqa: E402

ROWS = 30_000
STATE = ("select count(*), md5(string_agg(d::text, ',' order by mongo_id)) from docs d",
         ("select sum(p.read), sum(p.inserted), bool_and(p.done) from lugger.partitions p "
          "join lugger.runs using (run) where status = 'done'"))


class Host:
    """A network namespace with a name of its own, on a wire to ours."""

    def __init__(self, number):
        self.name, self.wire, self.gateway = f'host-{number}', f'lug{number}', f'10.77.{number}.1'
        self.holder = subprocess.Popen(['unshare', '-n', '-u', 'sh', '-c',
                                        f'hostname {self.name} && echo ready && exec sleep 600'],
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        ip('link', 'add', self.wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', str(self.holder.pid))
        ip('addr', 'add', f'{self.gateway}/24', 'dev', self.wire)
        ip('link', 'set', self.wire, 'up')
        for words in (('addr', 'add', f'10.77.{number}.2/24', 'dev', 'eth0'), ('link', 'set', 'eth0', 'up'),
                      ('link', 'set', 'lo', 'up')):
            subprocess.run(self.command('ip', *words), check=True)

    def command(self, *words):
        return ['nsenter', '-t', str(self.holder.pid), '-n', '-u', *words]

    def join(self, work):
        url = f'postgresql://postgres@{self.gateway}/{work.database.name}?sslmode=disable'
        environment = harness.clean_environment({**work.env, 'PG_URI': url})
        return subprocess.Popen(self.command(harness.binary(), 'run', 'job.lua', '--create', '--join', '-j',
                                             '1', '--log', 'none'),
                                cwd=work.directory, env=environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def end(self):
        self.holder.kill()
        self.holder.communicate()


def ip(*words):
    subprocess.run(['ip', *words], check=True)


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ip('link', 'set', 'lo', 'up')
        cls.hosts = [Host(1), Host(2)]
        cls.server = Postgres({'listen_addresses': '*'})
        with open(cls.server.data + '/pg_hba.conf', 'a', encoding='utf-8') as file:
            file.write('host all all 10.77.0.0/16 trust\n')
        cls.server.fresh().query('select pg_reload_conf()')
        cls.source = Work(cls.server.fresh(),
                          ({'_id': ObjectId(f'{i:024x}'), 'n': i, 'pad': 'x' * (400 + i % 400)}
                           for i in range(ROWS))).source
        alone = cls.work()
        alone.run('--create')
        cls.expected = [alone.database.query(sql) for sql in STATE]

    @classmethod
    def tearDownClass(cls):
        for host in cls.hosts:
            host.end()

    @classmethod
    def work(cls, extra=''):
        return Work(cls.server.fresh(),
                    text=job("{ 'n', 'int4' }, { 'pad', 'text' }", source=cls.source, conflict='update',
                             extra=extra))

    def both_at_work(self):
        """On a busy machine one host may have loaded everything before the other one is up: then they
        begin anew."""
        for _ in range(6):
            work = self.work('throttle = { rows_per_s = 3000 },')
            pair = [host.join(work) for host in self.hosts]
            for process in pair:
                self.addCleanup(process.communicate)
                self.addCleanup(process.kill)
            while any(process.poll() is None for process in pair):
                if work.database.query('select count(distinct holder) from lugger.partitions where not done',
                                       check=False).strip() == '2':
                    return work, pair
                time.sleep(0.05)
        self.fail(f'the hosts never worked together: {[process.communicate() for process in pair]}')

    def ends(self, process):
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, out + err)

    def test_one_host_is_killed(self):
        work, (first, second) = self.both_at_work()
        holders = {row[0].split()[0] for row in work.database.rows(
                       'select distinct holder from lugger.partitions where holder is not null')}
        self.assertEqual(holders, {'host-1', 'host-2'})
        first.kill()
        self.ends(second)
        self.assertEqual([work.database.query(sql) for sql in STATE], self.expected)

    def test_one_host_is_cut_off(self):
        work, (first, second) = self.both_at_work()
        ip('link', 'set', self.hosts[0].wire, 'down')
        try:
            # As after half a minute.
            work.database.query("update lugger.partitions set expires_at = now() - interval '1 s' "
                                "where holder like 'host-1 %' and not done")
            self.ends(second)
        finally:
            ip('link', 'set', self.hosts[0].wire, 'up')
        self.assertEqual([work.database.query(sql) for sql in STATE], self.expected)
        first.communicate(timeout=120)   # it is back, and has nothing left to do
        self.assertEqual([work.database.query(sql) for sql in STATE], self.expected)


if __name__ == '__main__':
    harness.main()
