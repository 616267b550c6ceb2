"""Equal keys within a dump: whatever the mode and the number of workers, the table and the books
are those of one document after the other, in the order of the dump."""
import os
import random
import signal
import time
import unittest

from bson import Int32
import harness
from jobs import Work, job
from postgres import Postgres
from sessions import Session, wait_for

SEED = int(os.environ.get('LUGGER_SEED', '20261128'))
POLICIES = ('skip', 'update', 'newer')
COUNTS = ('read', 'inserted', 'updated', 'unchanged', 'skipped', 'rejected', 'suppressed', 'rows',
          'child_rows')
COLUMNS = "{ 'v', 'int4' }, { 'ver', 'int4' }, { 'pad', 'text' }"
CHILDREN = (
    """children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },""")
HOOK = """map = function(row, doc)
  if doc.h == 'skip' then return lugger.skip 'asked' end
  if doc.h == 'emit' then lugger.emit { mongo_id = 'shared' .. doc.s, v = doc.v, ver = doc.ver,
    pad = lugger.null } end
  if doc.h == 'list' then return { { mongo_id = row.mongo_id, v = 1, ver = lugger.null, pad = lugger.null },
    { mongo_id = 'shared' .. doc.s, v = doc.v, ver = lugger.null, pad = lugger.null } } end
end,"""
ROWS = "select mongo_id, v, ver, md5(pad) from docs where mongo_id <> 'old' order by mongo_id"
TAGS = 'select parent_mongo_id, ordinal, tag from tags order by 1, 2'


class Model:
    """What the copy should do, a document at a time."""

    def __init__(self, policy):
        self.policy = policy
        self.table = {}
        self.books = dict.fromkeys(COUNTS, 0)
        self.refused = {}  # keys of documents that could not be read, each with how many
        self.outdated = 0  # those of them of which a later state was loaded

    def beats(self, new, old):
        if self.policy == 'update':
            return True
        return self.policy == 'newer' and new is not None and (old is None or new > old)

    def take(self, key, values, tags):
        """One row with its child rows; how it fared."""
        old = self.table.get(key)
        new = (values, tags)
        if old is None:
            self.table[key] = new
            self.books['rows'] += 1 + len(tags)
            self.books['child_rows'] += len(tags)
            return 0, 'inserted'
        if not self.beats(values[1], old[0][1]) or old == new:
            return (3, 'unchanged') if old == new else (2, 'skipped')
        child_rows = self.child_rows(old[1], tags)
        self.books['rows'] += (old[0] != values) + child_rows
        self.books['child_rows'] += child_rows
        self.table[key] = new
        return 1, 'updated'

    @staticmethod
    def child_rows(old, new):
        """Those that are written: where some go, all come anew; otherwise those that differ are set."""
        if len(new) < len(old):
            return len(new)
        return sum(i >= len(old) or old[i] != tag for i, tag in enumerate(new))

    def document(self, d):
        self.books['read'] += 1
        if d.get('h') == 'skip':
            self.books['skipped'] += 1
            return
        if d['v'] == 'bad':
            self.books['rejected'] += 1
            self.refused[d['_id']] = self.refused.get(d['_id'], 0) + 1
            return
        self.outdated += self.refused.pop(d['_id'], 0)
        number, tags, shared = d['v'].value, d['tags'], f"shared{d.get('s')}"
        rows = [(d['_id'], (number, d['ver'], d['pad']), tags)]
        if d.get('h') == 'emit':
            rows.append((shared, (number, d['ver'], None), []))
        if d.get('h') == 'list':
            rows = [(d['_id'], (1, None, None), tags), (shared, (number, None, None), [])]
        self.books[min(self.take(*row) for row in rows)[1]] += 1


def documents(rng, count, keys, hooks, fill=0):
    """Wide and narrow rows mixed, so that COPY finds room in pages behind it."""
    for _ in range(count):
        d = {'_id': f'k{rng.randrange(keys)}', 'v': Int32(rng.randrange(3)),
             'ver': rng.choice([None, 1, 2, 3]), 'pad': '%x' % rng.getrandbits(rng.choice([8, 400, 7000])),
             'tags': ['a', 'b', 'c'][:rng.randrange(4)]}
        if rng.random() < 0.3:
            d['pad'] = 'same'
        if rng.random() < 0.01:
            d['v'] = 'bad'
        if hooks and rng.random() < 0.2:
            d['h'] = rng.choice(['emit', 'list', 'skip'])
            d['s'] = rng.choice('abcdefgh')
        if fill:
            d['fill'] = 'x' * fill
        yield d


def wait_for_words(stream, words):
    for line in stream:
        if words in line:
            return
    raise AssertionError('never said: ' + words)


class Doubles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, source, policy, hooks, children=True, options=''):
        extra = (CHILDREN if children else '') + (HOOK if hooks else '') + " unmapped = 'ignore',"
        newer = "newer = 'ver'," if policy == 'newer' else ''
        work = Work(self.server.fresh(), source, source='docs.bson')
        work.script(job(COLUMNS, conflict=policy, extra=extra, target_options=newer + options))
        return work

    def expected(self, found, policy, children=True):
        model = Model(policy)
        for d in found:
            model.document(d if children else {**d, 'tags': []})
        rows = [[k, str(v[0]), '\\N' if v[1] is None else str(v[1]), v[2]]
                for k, (v, _) in sorted(model.table.items())]
        tags = [[k, str(i + 1), t]
                for k, (_, tags) in sorted(model.table.items()) for i, t in enumerate(tags)]
        return rows, tags, model.books, model.outdated if policy == 'update' else 0

    def check(self, work, expected, children=True, run=None):
        rows, tags, books, outdated = expected
        found = work.database.rows(ROWS.replace('md5(pad)', 'pad'))
        self.assertEqual([[a, b, c, None if d == '\\N' else d] for a, b, c, d in found], rows)
        if children:
            self.assertEqual(work.database.rows(TAGS), tags)
        which = f"where run = '{run}'" if run else ''
        sums = ', '.join(f'sum({name})' for name in COUNTS)
        told = work.database.rows(f'select {sums} from lugger.partitions {which}')[0]
        told = dict(zip(COUNTS, map(int, told)))
        # What a later state of the same transaction replaces is no reject; the run chooses its transactions.
        skipped = books['rejected'] - told['rejected']
        self.assertLessEqual(0, skipped)
        self.assertLessEqual(skipped, outdated)
        self.assertEqual(told, {**books, 'rejected': told['rejected'], 'skipped': books['skipped'] + skipped})

    def prepare(self, work, children=True):
        """A table with a row in it: the load goes by staging."""
        work.database.query("create table docs (mongo_id text primary key, v int, ver int, pad text);"
                            "insert into docs values ('old', 1, 1, 'kept')")
        if children:
            work.database.query('create table tags (parent_mongo_id text, ordinal int, tag text, primary key '
                                '(parent_mongo_id, ordinal))')

    def each(self, count, keys, check, kinds=((True, True), (False, False)), **more):
        for policy in POLICIES:
            for hooks, children in kinds:
                rng = random.Random(f'{SEED} {policy} {hooks} {children}')
                found = list(documents(rng, count, keys, hooks, **more))
                with self.subTest(policy=policy, hooks=hooks, children=children, seed=SEED):
                    check(found, policy, hooks, children)

    def test_a2_into_a_new_table(self):
        def one(found, policy, hooks, children):
            work = self.work(found, policy, hooks, children)
            work.run('--create', '-j', '1', expect=3)
            self.assertEqual(work.database.query("select distinct mode from lugger.runs"), 'direct')
            self.check(work, self.expected(found, policy, children), children)
        self.each(900, 300, one)

    def test_a2_by_staging(self):
        def one(found, policy, hooks, children):
            work = self.work(found, policy, hooks, children)
            self.prepare(work, children)
            work.run('--create', '-j', '1', expect=3)
            self.assertEqual(work.database.query("select distinct mode from lugger.runs"), 'staged')
            self.check(work, self.expected(found, policy, children), children)
        self.each(900, 300, one)

    def test_a2_by_statements(self):
        def one(found, policy, hooks, children):
            work = self.work(found, policy, hooks, children, options="writer = 'statement',")
            work.run('--create', '-j', '1', expect=3)
            self.check(work, self.expected(found, policy, children), children)
        self.each(300, 100, one)

    def test_a2_four_workers_into_a_new_table(self):
        def one(found, policy, hooks, children):
            work = self.work(found, policy, hooks, children)
            work.run('--create', '-j', '4', expect=3)
            self.assertEqual(work.database.number('select count(*) from lugger.partitions'), 4)
            self.check(work, self.expected(found, policy, children), children)
        self.each(2600, 900, one, kinds=((True, True),), fill=7000)

    def test_a2_one_key_for_all(self):
        found = [{'_id': 'k', 'v': Int32(i % 7), 'ver': i % 11, 'pad': 'p', 'tags': []} for i in range(1500)]
        for policy in POLICIES:
            work = self.work(found, policy, False)
            work.run('--create')
            self.check(work, self.expected(found, policy))

    def test_a2_killed_and_resumed(self):
        for policy in POLICIES:
            rng = random.Random(f'{SEED} kill {policy}')
            found = list(documents(rng, 2600, 900, True, fill=7000))
            expected = self.expected(found, policy)
            work = self.work(found, policy, True)
            began = time.monotonic()
            work.run('--create', '-j', '4', expect=3)
            took = time.monotonic() - began
            for _ in range(3):
                work = self.work(found, policy, True)
                self.kill_until_done(work, rng, took)
                done = work.database.query("select run from lugger.runs where status = 'done' "
                                           "order by started_at limit 1")
                self.check(work, expected, run=done)

    def kill_until_done(self, work, rng, longest):
        for attempt in range(60):
            process = work.start('run', 'job.lua', '--create', '-j', '4', '--log', 'none')
            try:
                process.communicate(timeout=rng.uniform(0.1, longest) if attempt < 6 else 120)
            except Exception:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                # Killed behind its end: a further run would be a load of its own, by commits of four workers.
                if work.database.query("select exists (select from lugger.runs where status = 'done')",
                                       check=False) == 't':
                    return
                continue
            if process.returncode == 3:
                return
            time.sleep(0.1)   # the server may still hold the killed process's lease for a moment
        self.fail('the run never ended')

    def test_f2_documents_whose_hook_adds_a_row_of_the_same_key(self):
        found = [{'_id': f'd{i}', 'v': Int32(i), 'ver': i, 'pad': 'p', 'tags': ['a', 'b'], 'h': kind, 's': 1}
                 for i, kind in enumerate(('emit', 'list', None, 'emit', 'list'))]
        for policy in POLICIES:
            for workers in ('1', '2'):
                with self.subTest(policy=policy, workers=workers):
                    work = self.work(found, policy, True)
                    work.run('--create', '-j', workers)
                    self.assertEqual(work.database.query('select distinct mode from lugger.runs'), 'direct')
                    self.assertEqual(
                        work.database.number("select count(*) from docs where mongo_id like 'd%'"), 5)
                    self.assertEqual(
                        work.database.number("select count(*) from tags where parent_mongo_id like 'd%'"), 10)
                    self.check(work, self.expected(found, policy))

    def test_stopped_while_rows_of_one_key_are_settled(self):
        found = [{'_id': f'k{i % 50}', 'v': Int32(i), 'ver': 1, 'pad': 'p', 'tags': ['a']}
                 for i in range(120)]
        work = self.work(found, 'error', False)
        work.run('--create', expect=1)
        text = (work.directory / 'job.lua').read_text()
        work.script(text.replace('"error"', '"update"').replace("'error'", "'update'"))
        session = Session(work.database)
        session.run('begin; select from docs for update')   # an index may be built, no row taken out
        process = work.start('run', 'job.lua', '--create', '--accept-changes')
        wait_for(work.database,
                 "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and "
                 "query like 'DELETE%')",
                 process)
        process.send_signal(signal.SIGINT)
        wait_for_words(process.stderr, 'once more stops at once')
        session.run('rollback')
        session.close()
        err = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('all documents are copied, but the load is not finished: '
                      'rows that share a key are not settled',
                      err)
        self.assertEqual(work.database.number('select count(*) from docs'), 120)
        result = work.run('--create', '--accept-changes')
        self.assertNotIn('not settled', result.err)
        self.check(work, self.expected(found, 'update'))

    def test_a2_limit(self):
        rng = random.Random(SEED)
        found = list(documents(rng, 900, 200, False))
        work = self.work(found, 'update', False)
        work.run('--create', '-j', '1', '--limit', '500', expect=(0, 3))
        self.check(work, self.expected(found[:500], 'update'))

    def test_a2_standard_input_keeps_its_key(self):
        rng = random.Random(SEED)
        found = list(documents(rng, 900, 300, False))
        work = self.work(found, 'update', False)
        work.script((work.directory / 'job.lua').read_text().replace('lugger.env.MONGO_URI', "'-'"))
        work.run('--create', expect=3, input=work.source.read_bytes())
        self.assertEqual(work.database.query("select mode from lugger.runs"), 'staged')
        self.check(work, self.expected(found, 'update'))

    def test_a2_a_source_that_changed_meanwhile_loses_nothing(self):
        """Rows that cannot be told apart stay where they are; nothing is thrown away."""
        found = [{'_id': f'k{i % 3}', 'v': Int32(i), 'ver': 1, 'pad': 'p', 'tags': []} for i in range(9)]
        work = self.work(found, 'error', False)
        work.run('--create', expect=1)
        self.assertEqual(work.database.number('select count(*) from docs'), 9)
        text = (work.directory / 'job.lua').read_text()
        work.script(text.replace("'error'", "'update'").replace('"error"', '"update"').replace(
            "unmapped = 'ignore',",
            "unmapped = 'ignore', map = function(row) if row.v == 4 then return lugger.skip 'x' end end,"))
        result = work.run('--create', '--accept-changes', expect=1)
        self.assertIn('read a second time', result.err)
        self.assertEqual(work.database.number('select count(*) from docs'), 9)


if __name__ == '__main__':
    harness.main()
