"""Several rows of one key, from one document or several: verify expects and repair writes what the
load left, by the policy of the job, in the order of the dump and of lugger.emit."""
import os
import random

import harness
from verdicts import Case, DELETE, TAGS, counts, oid, text_of

SEED = int(os.environ.get('LUGGER_SEED', '20261129'))
COLUMNS = "{ 'ver', 'int4' }, { 'n', 'int4' }"
EMIT = """map = function(row, doc)
    for i = 1, #doc.more do
      require 'lugger'.emit { mongo_id = doc.more[i].key, ver = doc.more[i].ver, n = doc.more[i].n }
    end
  end,"""
LIST = """map = function(row, doc)
    local rows = { { mongo_id = row.mongo_id, ver = row.ver, n = row.n } }
    for i = 1, #doc.more do
      rows[#rows + 1] = { mongo_id = doc.more[i].key, ver = doc.more[i].ver, n = doc.more[i].n }
    end
    return rows
  end,"""
# A trigger, so that rows are staged.
MODES = {
    'direct': '',
    'staged': """create table docs (mongo_id text primary key, ver int, n int);
      create function nothing() returns trigger language plpgsql as
      $$ begin return null; end $$; create trigger t after insert on docs execute function nothing()""",
}
THERE = """select d.*, coalesce((select string_agg(tag, ',' order by ordinal) from tags
  where parent_mongo_id = mongo_id), '')
  from docs d order by 1"""


class Model:
    """What a load leaves: `table` by key, `lost` the rows of a key that another row of the same
    document beat."""

    def __init__(self, policy, documents):
        self.policy, self.table, self.lost = policy, {}, {}
        for document in documents:
            self.take(document)

    def beats(self, new, old):
        return self.policy == 'update' or self.policy == 'newer' and new is not None and (
            old is None or new > old)

    def take(self, document):
        best = {}
        own = {'key': document['_id'].hex, **{k: document[k] for k in ('ver', 'n')}}
        for row in [own, *document['more']]:
            key, values = row['key'], (row['ver'], row['n'])
            tags = tuple(document['tags']) if key == own['key'] else ()
            if key not in self.table or self.beats(values[0], self.table[key][0]):
                self.table[key] = (*values, tags)
            if key not in best or self.beats(values[0], best[key][0]):
                best[key] = values
        for row in [own, *document['more']]:
            if (row['ver'], row['n']) != best[row['key']]:
                self.lost.setdefault(row['key'], []).append((row['ver'], row['n']))


class Turns(Case):
    def row(self, rng):
        return {'ver': rng.choice([None, 1, 2, 3]), 'n': rng.randint(0, 10**6)}

    def dump(self, rng, keys, pad=''):
        documents = []
        for _ in range(rng.randint(12, 30)):
            key = rng.randrange(keys)
            more = [{'key': text_of(rng.choice([key, key, rng.randrange(keys), 100])), **self.row(rng)}
                    for _ in range(rng.randint(0, 3))]
            documents.append({'_id': oid(key), **self.row(rng),
                              'tags': rng.choices('abc', k=rng.randint(0, 2)), 'more': more, 'pad': pad})
        return documents

    def loaded(self, documents, policy, hook=EMIT, mode='direct', jobs='1', **more):
        options = "newer = 'ver'," if policy == 'newer' else ''
        return self.made(documents, columns=COLUMNS, conflict=policy, target_options=options,
                         extra=TAGS + "unmapped = 'ignore'," + hook, before=MODES[mode],
                         run=('--create', '-j', jobs), **more)

    @staticmethod
    def there(work):
        return {key: (None if ver == '\\N' else int(ver), int(n), tuple(filter(None, tags.split(','))))
                for key, ver, n, tags in work.database.rows(THERE)}

    def put(self, work, key, values):
        ver, n = ('null' if v is None else v for v in values)
        work.database.query(f"update docs set ver = {ver}, n = {n} where mongo_id = '{key}'")

    def mended(self, work, wanted, wrong):
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['different'], wrong)
        self.repair(work, '--apply', '--overwrite-newer')
        self.assertEqual(self.there(work), wanted)
        self.verify(work)

    def test_each_policy_by_hand(self):
        """The document's own row first, then the emitted ones; of equal versions the first stays."""
        table = (('skip', [(1, 10), (2, 20), (3, 30)], 0), ('update', [(3, 10), (2, 20), (1, 30)], 2),
                 ('newer', [(1, 10), (3, 20), (2, 30)], 1), ('newer', [(2, 10), (2, 20), (2, 30)], 0),
                 ('newer', [(None, 10), (1, 20), (1, 30)], 1), ('newer', [(None, 10), (None, 20)], 0))
        for hook, mode in ((EMIT, 'staged'), (LIST, 'direct')):
            for policy, rows, winner in table:
                with self.subTest(policy=policy, rows=rows, mode=mode, hook=hook is EMIT):
                    documents = [{'_id': oid(k), 'ver': rows[0][0], 'n': rows[0][1], 'tags': ['a', 'b'],
                                  'more': [{'key': text_of(k), 'ver': ver, 'n': n} for ver, n in rows[1:]]}
                                 for k in range(2)]
                    work = self.loaded(documents, policy, hook, mode)
                    wanted = {text_of(k): (*rows[winner], ('a', 'b')) for k in range(2)}
                    self.assertEqual(self.there(work), wanted)
                    self.verify(work)
                    for loser in {row for row in rows if row != rows[winner]}:
                        self.put(work, text_of(1), loser)
                        newer = policy == 'newer' and (loser[0] or 0) > (rows[winner][0] or 0)
                        self.assertFalse(newer)
                        self.mended(work, wanted, 1)
                    work.database.query("delete from docs; delete from tags")
                    self.repair(work, '--apply')
                    self.assertEqual(self.there(work), wanted)

    def test_versions_that_only_the_server_orders(self):
        """Equal ones are settled by the turn; of others any row may be there, and the server keeps the
        newest."""
        for kind, low, high in (('text', 'a', 'b'),
                                ('numeric', '1.00000000000000000001', '1.00000000000000000002')):
            for jobs in ('1', '4'):
                with self.subTest(kind=kind, jobs=jobs):
                    pad = 'x' * (1 if jobs == '1' else 4_500_000)
                    documents = [{'_id': oid(k), 'ver': low, 'n': 10, 'tags': ['a'], 'pad': pad,
                                  'more': [{'key': text_of(k), 'ver': low, 'n': 20},
                                           *([{'key': text_of(k), 'ver': high, 'n': 30}] * (k == 2))]}
                                 for k in range(3)]
                    work = self.made(documents, columns=f"{{ 'ver', '{kind}' }}, {{ 'n', 'int4' }}",
                                     conflict='newer', target_options="newer = 'ver',",
                                     extra=TAGS + "unmapped = 'ignore'," + EMIT, run=('--create', '-j', jobs))
                    before = self.rows(work)
                    self.assertEqual([n for _, _, n in before], ['10', '10', '30'])
                    self.verify(work)
                    work.database.query('update docs set n = 20 where n = 10')
                    self.assertEqual(counts(self.verify(work, expect=4))['docs']['different'], 2)
                    work.database.query('delete from docs where n = 30')
                    self.repair(work, '--apply')
                    self.assertEqual(self.rows(work), before)

    def test_error_never_ends(self):
        """Two rows of one key are an error then: no load of them is finished, and none is called equal."""
        documents = [{'_id': oid(k), 'ver': 1, 'n': k, 'tags': ['a'],
                      'more': [{'key': text_of(k), 'ver': 2, 'n': 50}] * (k == 1)} for k in range(3)]
        for mode in MODES:
            with self.subTest(mode):
                work = self.loaded(documents, 'error', mode=mode, expect=1)
                self.assertIn('the load is not finished', self.verify(work, expect=4).out)

    def test_random(self):
        rng = random.Random(SEED)
        for round_ in range(int(os.environ.get('LUGGER_ROUNDS', '8'))):
            policy, mode, hook = rng.choice(['skip', 'update',
                                             'newer']), rng.choice(list(MODES)), rng.choice([EMIT, LIST])
            with self.subTest(seed=SEED, round=round_, policy=policy, mode=mode):
                documents = self.dump(rng, 6)
                model = Model(policy, documents)
                work = self.loaded(documents, policy, hook, mode)
                self.assertEqual(self.there(work), model.table)
                self.verify(work)
                self.break_and_mend(rng, work, model)

    def break_and_mend(self, rng, work, model):
        wrong = 0
        for key, rows in model.lost.items():
            losers = [row for row in rows if row != model.table[key][:2]]
            if losers and rng.random() < .7:
                self.put(work, key, rng.choice(losers))
                wrong += 1
        gone = [key for key in model.table if rng.random() < .3]
        overwritten = model.policy == 'newer'
        result = self.verify(work, expect=(0, 4))
        found = counts(result)['docs']
        kept = sum(
            int(line.split(':')[1].split()[0])
            for line in result.err.splitlines() if 'that the target has newer' in line and ' docs:' in line)
        self.assertEqual(found['different'] + kept, wrong, result.out + result.err)
        self.assertTrue(overwritten or kept == 0)
        for key in gone:
            work.database.query(f"delete from docs where mongo_id = '{key}'; delete from tags "
                                f"where parent_mongo_id = '{key}'")
        self.repair(work, *DELETE, '--overwrite-newer', expect=0)
        self.assertEqual(self.there(work), model.table)
        self.verify(work)

    def test_several_workers(self):
        """Which document came first is not known then; which row of a document did is."""
        for policy in ('skip', 'update', 'newer'):
            with self.subTest(policy):
                documents = [{'_id': oid(k), 'ver': 2, 'n': k, 'tags': ['a'], 'pad': 'x' * 300_000,
                              'more': [{'key': text_of(k), 'ver': 2, 'n': 1000 + k},
                                       {'key': text_of(k), 'ver': 1, 'n': 2000 + k}]} for k in range(40)]
                model = Model(policy, documents)
                work = self.loaded(documents, policy, mode='staged', jobs='4')
                self.assertGreater(work.database.number('select count(*) from lugger.partitions'), 1)
                self.assertEqual(self.there(work), model.table)
                self.verify(work)
                for loser in model.lost[text_of(7)]:
                    if loser != model.table[text_of(7)][:2]:
                        self.put(work, text_of(7), loser)
                        self.mended(work, model.table, 1)

    def test_a_repair_writes_no_row_of_another_document(self):
        """The wrong row alone is written: what the document makes beside it stands under keys of others."""
        hook = ("map = function(row, doc) require 'lugger'.emit { mongo_id = 'shared', ver = doc.ver, "
                "n = doc.n } end,")
        for policy in ('skip', 'update', 'newer'):
            with self.subTest(policy):
                work = self.loaded([{'_id': oid(i), 'ver': i % 3, 'n': i, 'tags': []} for i in range(1, 6)],
                                   policy, hook)
                before = self.there(work)
                work.database.query(f"""create table written (k text);
                  create function note() returns trigger language plpgsql as
                  $$ begin insert into written values (new.mongo_id); return null; end $$;
                  create trigger t after insert or update on docs for each row execute function note();
                  delete from docs where mongo_id = '{text_of(3)}'""")
                self.repair(work, '--apply')
                self.assertEqual(self.there(work), before)
                self.assertEqual(work.database.rows('select distinct k from written'), [[text_of(3)]])


if __name__ == '__main__':
    harness.main()
