"""Files that lugger writes are there whole or not at all; a disk that is full, also behind standard
output, is an error."""
import re
import resource
import subprocess
import unittest
from pathlib import Path

import bson
import harness
from harness import lugger
from jobs import Work, dump, job
from postgres import Postgres

FULL = Path('/dev/full')


def small_files(limit):
    """What stands for a full disk: no file of ours may grow beyond this."""
    def set_limit():
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return set_limit


class Written(unittest.TestCase):
    def setUp(self):
        self.dir = Path(harness.scratch())

    def limited(self, limit, *args):
        done = subprocess.run([harness.binary(), *map(str, args)], cwd=self.dir,
                              env=harness.clean_environment(), capture_output=True, text=True,
                              preexec_fn=small_files(limit), timeout=60)
        return done.returncode, done.stdout, done.stderr

    def files(self):
        return {p: p.stat().st_size for p in self.dir.rglob('*') if p.is_file()}

    def test_f14_a_direct_url_in_the_environment_is_nothing_to_a_file(self):
        work = Work(None,
                    text=job("{ 'n', 'int4' }", source='docs.bson', collection=None,
                             conflict='error').replace('lugger.env.PG_URI', "lugger.env.OUT"))
        for out in ('out.jsonl', '-'):
            work.source, work.database = work.directory / 'docs.bson', None
            work.documents([{'_id': 1, 'n': 7}])
            lugger('run', 'job.lua', '--create', cwd=work.directory,
                   env={'OUT': out, 'PG_DIRECT_URI': 'postgresql:///nowhere'})

    def source(self, documents=3):
        dump(self.dir, 'shop',
             {'users': [{'_id': n, **{f'field{i}': 'x' for i in range(60)}} for n in range(documents)]})

    def refused(self, limit, *args):
        """Nothing that was there changed, nothing half written is left."""
        before = self.files()
        status, out, err = self.limited(limit, *args)
        self.assertEqual(status, 1, (out, err))
        self.assertRegex(err, 'cannot (write|make).*: (File too large|No space left on device)')
        after = self.files()
        for path, size in before.items():
            self.assertEqual(after.get(path), size, path)
        for path in set(after) - set(before):
            self.assertFalse(re.search(r'^\..*\.[A-Za-z0-9]{6}$',
                                       path.name) and path.name != '.luarc.json' and path.name not in (
                                 '.luacheckrc', '.gitignore', '.env.example') or path.name.endswith('.part'),
                             path)
            self.assertLessEqual(after[path], limit)
            whole = path.read_bytes()
            self.assertTrue(whole.endswith(b'\n'), f'{path} is half a file')
        return err

    def test_f16_init(self):
        self.refused(2000, 'init', 'shop')
        self.refused(10, 'init')

    def test_f16_scaffold(self):
        self.source()
        self.refused(1500, 'scaffold', 'dump', '--out', 'migrate')
        self.assertFalse((self.dir / 'migrate/users.lua').exists())
        lugger('scaffold', 'dump', '--out', 'migrate', cwd=self.dir)
        dump_before = self.files()
        bson.write(self.dir / 'dump/shop/users.bson',
                   [{'_id': n, **{f'other{i}': 'x' for i in range(60)}} for n in range(3)])
        dump_before = self.files()
        status, _, err = self.limited(1500, 'scaffold', 'dump', '--out', 'migrate')
        self.assertEqual(status, 1, err)
        self.assertEqual({p: s for p, s in self.files().items() if p in dump_before}, dump_before)

    def test_f16_census_page(self):
        self.source()
        self.refused(1000, 'describe', 'dump', '--full', '--no-trial', '--html', 'census.html')
        self.assertFalse((self.dir / 'census.html').exists())

    def test_f16_verdict_key(self):
        self.refused(50, 'verdict', 'key', '--key', self.dir / 'secret.key')
        self.assertEqual(self.files(), {})

    def test_f16_new_migration(self):
        self.refused(10, 'migrate', 'new', 'users')

    def test_f16_standard_output(self):
        self.source()
        for args in (('describe', 'dump', '--full', '--no-trial'),
                     ('describe', 'dump', '--full', '--no-trial', '--json'), ('help',), ('version',),
                     ('completion', 'bash'), ('help', '--man'), ('state', 'sql'), ('preview', 'job.lua')):
            (self.dir / 'job.lua').write_text("local lugger = require 'lugger'\nreturn lugger.copy { "
                                              "from = lugger.source('dump', { collection = 'shop.users' }),"
                                              " into = lugger.target('local:', { table = 'users' }), "
                                              "columns = 'document' }")
            with self.subTest(args), open(FULL, 'w') as out:
                plain = subprocess.run([harness.binary(), *args], cwd=self.dir,
                                       env=harness.clean_environment(), capture_output=True, text=True,
                                       timeout=60)
                if plain.returncode != 0:
                    continue
                done = subprocess.run([harness.binary(), *args], cwd=self.dir,
                                      env=harness.clean_environment(), stdout=out, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn('cannot write to standard output: ', done.stderr)

    def test_f16_print_in_a_script(self):
        (self.dir / 's.lua').write_text("print(('x'):rep(100000))")
        with open(FULL, 'w') as out:
            done = subprocess.run([harness.binary(), 'run', 's.lua'], cwd=self.dir,
                                  env=harness.clean_environment(), stdout=out, stderr=subprocess.PIPE,
                                  text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_f16_a_reader_that_went_away_is_no_error(self):
        self.source(200)
        done = subprocess.run(f'{harness.binary()} describe dump --full --no-trial --json | head -c 10; '
                              f'echo ${{PIPESTATUS[0]}}',
                              shell=True, cwd=self.dir, executable='/bin/bash',
                              env=harness.clean_environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout.split('\n')[-2][-1], '0', done)
        self.assertNotIn('cannot write', done.stderr)

    def test_f16_links_modes_and_devices(self):
        self.source()
        real, link = self.dir / 'real.html', self.dir / 'link.html'
        real.write_text('old')
        real.chmod(0o640)
        link.symlink_to('real.html')
        lugger('describe', 'dump', '--full', '--no-trial', '--html', link, cwd=self.dir)
        self.assertTrue(link.is_symlink())
        self.assertIn('<html', real.read_text())
        self.assertEqual(real.stat().st_mode & 0o777, 0o640)
        lugger('describe', 'dump', '--full', '--no-trial', '--html', '/dev/null', cwd=self.dir)
        self.assertTrue(Path('/dev/null').is_char_device())
        result = lugger('describe', 'dump', '--full', '--no-trial', '--html', FULL, cwd=self.dir, expect=1)
        self.assertIn('cannot write /dev/full: No space left on device', result.err)
        result = lugger('describe', 'dump', '--full', '--no-trial', '--html', self.dir / 'no/such.html',
                        cwd=self.dir, expect=1)
        self.assertIn('No such file or directory', result.err)


class OfRuns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_f16_rejects_verdicts_and_json_lines(self):
        work = Work(self.server.fresh(), [{'_id': n, 'age': 'x' * 50} for n in range(50)],
                    job("{ 'age', 'int4' }"))
        work.run('--create', expect=3)
        for args in (('rejects', 'job.lua', '--export', 'bad.jsonl'),
                     ('verify', 'job.lua', '--verdict', 'verdict.json'), ('run', 'lines.lua')):
            work.script(job("{ 'age', 'text' }").replace('lugger.env.PG_URI', "'out.jsonl'").replace(
                            ", on_conflict = 'skip'", ''),
                        name='lines.lua')
            done = subprocess.run([harness.binary(), *args], cwd=work.directory,
                                  env=harness.clean_environment(work.env), capture_output=True, text=True,
                                  preexec_fn=small_files(400), timeout=60)
            self.assertNotEqual(done.returncode, 0, (args, done.stdout, done.stderr))
            self.assertRegex(done.stderr, 'File too large|No space')
            names = {p.name for p in work.directory.iterdir()}
            self.assertFalse(
                names & {'bad.jsonl', 'verdict.json'} or [n for n in names if n.endswith('.part')], names)
        with open(FULL, 'w') as out:
            done = subprocess.run([harness.binary(), 'rejects', 'job.lua', '--export', '-'],
                                  cwd=work.directory, env=harness.clean_environment(work.env), stdout=out,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)


if __name__ == '__main__':
    harness.main()
