"""Verify and repair, for tests: a loaded table to break and mend, and what the two print."""
import unittest

from bson import ObjectId
from jobs import Work, job
from postgres import Postgres

TAGS = "children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },"
DELETE = ('--apply', '--delete-extra')
WAITS = ("select exists (select from pg_stat_activity where datname = current_database() and "
         "wait_event_type = 'Lock')")


def counts(result):
    """Rows of the table that verify prints, as dicts by table."""
    lines = result.out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith('table '))
    names = lines[head].split()[1:]
    found = {}
    for line in lines[head + 1:]:
        words = line.split()
        if len(words) != len(names) + 1 or not words[1].replace(',', '').isdigit():
            break
        found[words[0]] = {n: w if w == '-' else int(w.replace(',', '')) for n, w in zip(names, words[1:])}
    return found


def oid(number):
    return ObjectId(f'{number:024x}')


def text_of(number):
    return oid(number).hex


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def made(self, documents, columns="{ 'n', 'int4' }", before='', run=('--create', '-j', '1'), expect=0,
             **more):
        work = Work(self.server.fresh(), documents,
                    job(columns, **{'conflict': 'update', 'extra': "unmapped = 'ignore',", **more}))
        if before:
            work.database.query(before)
        work.run(*run, expect=expect)
        return work

    @staticmethod
    def verify(work, *flags, expect=0):
        return work.lugger('verify', 'job.lua', *flags, expect=expect)

    @staticmethod
    def repair(work, *flags, expect=0):
        return work.lugger('repair', 'job.lua', *flags, expect=expect)

    @staticmethod
    def rows(work, table='docs', order='1, 2'):
        return work.database.rows(f'select * from {table} order by {order}')
