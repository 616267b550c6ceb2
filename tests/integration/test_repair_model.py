"""Verify and repair against a model of one page: random documents, faults and policies."""
import random

import harness
from verdicts import Case, DELETE, TAGS, counts, oid, text_of

# A trigger, so that rows are staged.
STAGED = """; create function nothing() returns trigger language plpgsql as $$ begin return null; end $$;
  create trigger t after insert on docs execute function nothing()"""


class Model(Case):
    def one(self, rng):
        policy = rng.choice(['skip', 'update', 'newer'])
        documents, wanted, refused = [], {}, set()
        for _ in range(rng.randint(20, 60)):
            key = rng.randint(0, 30)
            document = {'_id': oid(key), 'ver': rng.randint(0, 5), 'n': rng.randint(0, 9),
                        'tags': rng.choices('abc', k=rng.randint(0, 2))}
            if rng.random() < .2:
                document['n'] = rng.choice(['bad', 99])     # the mapping refuses one, the server the other
            documents.append(document)
            if document['n'] in ('bad', 99):
                refused.add(text_of(key))
                continue
            row, old = (document['ver'], document['n'], tuple(document['tags'])), wanted.get(text_of(key))
            if old is None or policy == 'update' or policy == 'newer' and row[0] > old[0]:
                wanted[text_of(key)] = row
        return policy, documents, wanted, refused

    def test_f1_f3_f8_random_faults(self):
        seed = random.randrange(1 << 30)
        rng = random.Random(seed)
        for round_ in range(8):
            with self.subTest(seed=seed, round=round_):
                self.check(rng)

    def check(self, rng):
        policy, documents, wanted, refused = self.one(rng)
        options = "newer = 'ver'," if policy == 'newer' else ''
        work = self.made(
            documents, columns="{ 'ver', 'int4' }, { 'n', 'int4' }", conflict=policy, target_options=options,
            extra=TAGS + "unmapped = 'ignore',", expect=(0, 3),
            before='create table docs (mongo_id text unique, ver int, n int constraint c check (n <> 99)); '
                   'create table tags (parent_mongo_id text, ordinal int, tag text)'
                   + rng.choice(['', STAGED]))
        self.assertEqual(self.there(work), wanted, policy)
        self.verify(work)
        work.database.query('alter table docs drop constraint c')
        there, keep = dict(wanted), {}
        tally = {'missing': 0, 'extra': 0, 'different': 0}
        for key, (ver, n, tags) in wanted.items():
            fault = rng.choice(['', '', 'gone', 'other', 'newer'])
            if fault == 'gone':
                work.database.query(f"delete from docs where mongo_id = '{key}'; "
                                    f"delete from tags where parent_mongo_id = '{key}'")
                tally['missing'] += 1
            elif fault == 'other':
                work.database.query(f"update docs set n = 50 where mongo_id = '{key}'")
                tally['different'] += 1
            elif fault == 'newer':
                work.database.query(f"update docs set ver = 99, n = 51 where mongo_id = '{key}'")
                tally['different'] += policy != 'newer'
                if policy == 'newer':
                    keep[key] = (99, 51, tags)
        for key in refused - set(wanted):
            if rng.random() < .5:
                work.database.query(f"insert into docs values ('{key}', 1, 60)")
                keep[key] = (1, 60, ())
                tally['extra'] += 1
        for i in range(rng.randint(0, 3)):
            work.database.query(f"insert into docs values ({rng.choice(['null', repr('ghost' + str(i))])}, "
                                "1, 1)")
            tally['extra'] += 1
        result = self.verify(work, expect=(0, 4))
        found = counts(result)['docs']
        self.assertEqual({name: found[name] for name in tally}, tally, result.out + result.err)
        self.assertEqual(result.status, 4 if any(tally.values()) else 0)
        self.repair(work, *DELETE, '--delete-many', expect=(0, 4))
        self.assertEqual(self.there(work), {**wanted, **keep})

    @staticmethod
    def there(work):
        return {key: (int(ver), int(n),
                      tuple(tags.split(','))
                          if tags
                          else ()) for key, ver, n, tags in work.database.rows(
                    "select d.*, coalesce((select string_agg(tag, ',' order by ordinal) from tags where "
                    "parent_mongo_id = mongo_id), '') from docs d")}


if __name__ == '__main__':
    harness.main()
