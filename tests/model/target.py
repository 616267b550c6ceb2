"""The tables of a job, and what loading, verifying and repairing does to them: docs/targets.md,
docs/verify.md."""
from collections import Counter
from dataclasses import dataclass, field, replace

from mapping import Mapping, Reject, Rows, Skipped
from values import id_uuid

COUNTS = ('source', 'target', 'equal', 'missing', 'extra', 'different', 'older', 'newer')


class Conflict(Exception):
    """on_conflict = 'error', and a key is taken: the run ends."""


@dataclass
class Books:
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0


@dataclass
class Loaded:
    books: Books = field(default_factory=Books)
    rejects: list = field(default_factory=list)
    # nothing was loaded: these are the books of the run that loaded the same data
    before: bool = False


@dataclass
class Table:
    """`rows`: by key; a table without one numbers its rows. Of a child table: by parent and place."""
    columns: tuple
    key: tuple
    rows: dict = field(default_factory=dict)


class Target:
    """Tables with a job's rows, document by document as the policy says."""

    def __init__(self, job):
        self.job = job
        self.documents, self.loaded = None, None
        self.tables = {name: Table(tuple(c.name for c in job.columns), job.key) for name in job.tables}
        parents = tuple('parent_' + k for k in job.key)
        for child, level in job.all_children():
            places = tuple(f'ordinal_{n}' for n in range(1, level)) + ('ordinal',)
            self.tables[child.table] = Table(parents + places + tuple(c.name for c in child.columns),
                                             parents + places)

    def children_of(self, key):
        """{(table, place): row} of a row's child rows."""
        return {(child.table, place): row for child, _ in self.job.all_children()
                for place, row in self.tables[child.table].rows.items() if place[:len(key)] == key}

    def key_of(self, row):
        return tuple(row[c] for c in self.job.key)

    def load(self, documents):
        """Every document in its order. Conflict when the policy is to stop."""
        if not self.job.key and repr(documents) == repr(self.documents) and any(
                t.rows for t in self.tables.values()):
            return replace(self.loaded, before=True)
        mapping, loaded, last = Mapping(self.job), Loaded(), {}
        self.documents, self.loaded = documents, loaded
        for number, document in enumerate(documents):
            loaded.books.read += 1
            try:
                made = mapping.of(document)
            except Skipped:
                loaded.books.skipped += 1
                continue
            if isinstance(made, Reject):
                loaded.books.rejected += 1
                loaded.rejects.append((number, made))
                continue
            last[mapping.identity(document)] = number
            done = {self.place(one) for one in made}
            outcome = next(x for x in ('inserted', 'updated', 'skipped', 'unchanged') if x in done)
            setattr(loaded.books, outcome, getattr(loaded.books, outcome) + 1)
        loaded.rejects = [r for number, r in loaded.rejects if not self.outdated(number, r, last)]
        loaded.books.skipped += loaded.books.rejected - len(loaded.rejects)
        loaded.books.rejected = len(loaded.rejects)
        return loaded

    def outdated(self, number, reject, last):
        """Whether a later state of a refused document was loaded. The dumps of a case are one unit."""
        return (self.job.policy == 'update' and len(self.job.key) == 1
                and last.get(reject.document_id, -1) > number)

    def place(self, made: Rows):
        """What becomes of one row and its child rows."""
        table = self.tables[made.table]
        if not self.job.key:
            table.rows[(len(table.rows),)] = tuple(made.row.values())
            return 'inserted'
        key, row = self.key_of(made.row), tuple(made.row.values())
        if key not in table.rows:
            self.write(made)
            return 'inserted'
        children = {(t, r[:len(self.tables[t].key)]): r for t, rows in made.children.items() for r in rows}
        equal = table.rows[key] == row and self.children_of(key) == children
        if self.job.policy == 'error':
            raise Conflict(key)
        if self.job.policy == 'skip':
            return 'unchanged' if equal else 'skipped'
        if self.job.policy == 'newer' and not self.is_newer(made.row[self.job.newer], table.rows[key]):
            return 'unchanged' if equal else 'skipped'
        self.write(made)
        return 'unchanged' if equal else 'updated'

    def is_newer(self, version, row):
        """NULL is older than everything."""
        old = row[[c.name for c in self.job.columns].index(self.job.newer)]
        return version is not None and (old is None or version > old)

    def write(self, made: Rows):
        key = self.key_of(made.row)
        self.remove_children(key)
        self.tables[made.table].rows[key] = tuple(made.row.values())
        for name, rows in made.children.items():
            for row in rows:
                self.tables[name].rows[row[:len(self.tables[name].key)]] = row

    def remove_children(self, key):
        for name, place in self.children_of(key):
            del self.tables[name].rows[place]


def counted(source, table, kept):
    """The verdict on one table. `kept`: says of a key whether its row is newer than its document."""
    if not table.key:
        wanted, found = Counter(source.rows.values()), Counter(table.rows.values())
        equal = (wanted & found).total()
        return dict(zip(COUNTS,
                        (wanted.total(), found.total(), equal, wanted.total() - equal, found.total() - equal,
                         0, 0, 0)))
    wanted = {k: r for k, r in source.rows.items() if not kept(k)}
    found = {k: r for k, r in table.rows.items() if not kept(k)}
    both = wanted.keys() & found.keys()
    equal = sum(wanted[k] == found[k] for k in both)
    return dict(zip(COUNTS,
                    (len(source.rows), len(table.rows), equal, len(wanted) - len(both),
                     len(found) - len(both), len(both) - equal, len(source.rows) - len(wanted),
                     len(table.rows) - len(found))))


def expected(job, documents):
    """What the tables would hold if they had been empty."""
    target = Target(job)
    target.load(documents)
    return target


def newer_rows(job, source, target):
    """(table, key) of rows that are newer than their documents: on_conflict = 'newer' keeps them."""
    if job.policy != 'newer':
        return set()
    place = [c.name for c in job.columns].index(job.newer)
    return {(name, key) for name in job.tables for key, row in target.tables[name].rows.items()
            if key in source.tables[name].rows and source.is_newer(row[place], source.tables[name].rows[key])}


def verify(job, documents, target):
    """{table: counts}"""
    source = expected(job, documents)
    newer = newer_rows(job, source, target)
    return {name: counted(source.tables[name], table,
                          lambda k, own=own_of(job, name): (
                              own, k[:len(job.key)]) in newer) for name, table in target.tables.items()}


def own_of(job, name):
    """The table of the documents' own rows that a table's rows belong to: a routed job has no child
    tables."""
    return name if name in job.tables else job.tables[0]


def refused_keys(job, documents):
    """The keys of documents that the mapping refuses: an extra row under one of them stays."""
    mapping, found = Mapping(job), set()
    for document in documents:
        try:
            made = mapping.of(document)
        except Skipped:
            continue
        if isinstance(made, Reject):
            found.add(tuple(id_uuid(job.collection, made.document_id) if c == 'id' else made.document_id
                            for c in job.key))
    return found


def repair(job, documents, target, delete_extra):
    """Documents of which something is missing or different are written anew; extra rows go when asked."""
    source = expected(job, documents)
    newer, refused = newer_rows(job, source, target), refused_keys(job, documents)
    for name in job.tables if job.key else ():
        for key, row in source.tables[name].rows.items():
            children, actual = source.children_of(key), target.children_of(key)
            wrong = target.tables[name].rows.get(key) != row or any(
                actual.get(k) != r for k, r in children.items())
            if (wrong or delete_extra and actual != children) and (name, key) not in newer_rows(
                    job, source, target):
                target.write(Rows(name, dict(zip(target.tables[name].columns, row)),
                                  {t: [r
                                       for (table, _), r in children.items()
                                       if table == t] for t in target.tables if t not in job.tables}))
    for name, table in target.tables.items() if delete_extra and job.key else ():
        for key in table.rows.keys() - source.tables[name].rows.keys():
            front = key[:len(job.key)]
            if (own_of(job, name), front) not in newer and front not in refused:
                del table.rows[key]
                if name in job.tables:
                    target.remove_children(key)
