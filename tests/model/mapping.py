"""A job, and what its mapping makes of one document: docs/mapping.md and docs/hooks.md."""
from dataclasses import dataclass, field
from typing import Any, Optional

import values
from coerce import MISSING, Column, coerce
from values import Refused, is_document


@dataclass(frozen=True)
class Child:
    table: str
    source: str                   # 'items[]'
    columns: tuple
    children: tuple = ()


@dataclass(frozen=True)
class Hook:
    """What `map` does with a document whose field `h` has one of these values; everything else is loaded as it is."""
    skip: bool = True
    reject: bool = True
    set: Optional[tuple] = None   # (column, value): the hook writes it
    clear: Optional[str] = None   # the hook makes this column NULL


@dataclass(frozen=True)
class Route:
    source: str
    tables: tuple                 # of (value, table)
    otherwise: Optional[str] = None


@dataclass(frozen=True)
class Job:
    name: str
    table: str
    columns: tuple
    key: tuple = ('mongo_id',)
    policy: str = 'update'
    newer: Optional[str] = None
    children: tuple = ()
    route: Optional[Route] = None
    hook: Optional[Hook] = None
    unmapped: str = 'ignore'

    @property
    def collection(self):
        return f'm.{self.name}'

    @property
    def tables(self):
        return [self.table] if not self.route else [t for _, t in self.route.tables] + [self.route.otherwise] * bool(self.route.otherwise)

    def all_children(self):
        """(child, level) of every child table, parents first."""
        found = []

        def walk(children, level):
            for child in children:
                found.append((child, level))
                walk(child.children, level + 1)
        walk(self.children, 1)
        return found


@dataclass
class Rows:
    """One document's row, and the rows of its child tables: {table: [row]}, each with the parent's key and places in front."""
    table: str
    row: dict
    children: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Skip:
    reason: str


@dataclass(frozen=True)
class Reject:
    document_id: str
    codes: tuple
    columns: tuple                # those that may be named


def steps(path):
    """'a.b\\\\.c' -> ['a', 'b.c']"""
    parts, current, escaped = [], '', False
    for char in path:
        if escaped:
            current, escaped = current + char, False
        elif char == '\\':
            escaped = True
        elif char == '.':
            parts.append(current)
            current = ''
        else:
            current += char
    return parts + [current]


def find(value, path):
    """What stands at a path: the last field of that name, an element by its number."""
    for step in path:
        if is_document(value):
            value = next((v for k, v in reversed(value) if k == step), MISSING)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def is_taken(path, taken):
    """Whether a column takes this path, or one that it lies in."""
    return any(path[:len(one)] == one for one in taken)


def rest(value, taken, path=()):
    """The document without what other columns took. A document of which something is taken, and nothing left, is left out."""
    kept = []
    for name, inner in value:
        here = path + (name,)
        if is_taken(here, taken):
            continue
        if inner and any(one[:len(here)] == here for one in taken) and is_document(inner):
            inner = rest(inner, taken, here)
            if not inner:
                continue
        kept.append((name, inner))
    return tuple(kept)


def paths_taken(job):
    """The paths that columns and child tables name; a generated id is made of the _id. A route is no column."""
    found = {('_id',) if c.generate else tuple(steps(c.origin)) for c in job.columns if c.origin not in ('*', '.')}
    return found | {tuple(steps(child.source[:-2])) for child in job.children}


def untaken(value, taken, path=()):
    """Whether a document has a field that no column takes."""
    if is_document(value):
        return any(not is_taken(path + (k,), taken) and untaken(v, taken, path + (k,)) for k, v in value) if value or not path else not is_taken(path, taken)
    return not is_taken(path, taken)


def named(refused):
    """The columns that a reject may name."""
    return refused.column if isinstance(refused.column, tuple) else (refused.column,)


class Mapping:
    def __init__(self, job):
        self.job = job
        self.taken = paths_taken(job)
        self.has_rest = any(c.origin == '*' for c in job.columns)

    def of(self, document):
        """Rows, Skip or Reject."""
        identity = '?'
        try:
            identity = values.id_text(find(document, ['_id']))
            return self.made(document, identity)
        except Refused as refused:
            return Reject(identity, refused.codes, named(refused))

    def made(self, document, identity):
        row, faults = self.columns_of(document, identity)
        self.hooked(row, faults, document)
        table = self.routed(document, faults)
        children = {child.table: [] for child, _ in self.job.all_children()}
        for child in self.job.children:
            faults += self.child_rows(child, document, {}, (), children)
        if self.job.unmapped == 'error' and not self.has_rest and untaken(document, self.taken):
            faults.append(Refused('unmapped'))
        if faults:
            raise Refused(*{c: 1 for f in faults for c in f.codes}, column=sum((named(f) for f in faults), ()))
        parent = [row[c] for c in self.job.key]
        for child, _ in self.job.all_children():
            children[child.table] = [tuple(parent) + r for r in children[child.table]]
        return Rows(table, row, children)

    def columns_of(self, document, identity):
        row, faults = {}, []
        for column in self.job.columns:
            try:
                row[column.name] = self.value(column, document, identity)
            except Refused as refused:
                row[column.name] = None
                faults.append(refused)
        return row, faults

    def value(self, column, document, identity):
        if column.generate == 'v5':
            return values.id_uuid(self.job.collection, identity)
        if column.origin == '*':
            return coerce(rest(document, self.taken), column)
        path = steps(column.origin)
        if path == ['_id'] and column.type == 'text':
            return identity
        return coerce(find(document, path), column)

    def hooked(self, row, faults, document):
        hook, word = self.job.hook, find(document, ['h'])
        if not hook:
            return
        if word == 'skip' and hook.skip:
            raise Skipped(word)
        if word == 'reject' and hook.reject:
            faults[:] = [Refused('hook')]
        if word == 'set' and hook.set:
            self.write(row, faults, *hook.set)
        if word == 'clear' and hook.clear:
            self.write(row, faults, hook.clear, None)

    def write(self, row, faults, name, value):
        """The hook's value passes the column's coercer; what stood there before is mended."""
        column = next(c for c in self.job.columns if c.name == name)
        faults[:] = [f for f in faults if f.column != name]
        try:
            row[name] = coerce(value, column)
        except Refused as refused:
            faults.append(refused)

    def routed(self, document, faults):
        route = self.job.route
        if not route:
            return self.job.table
        word = find(document, steps(route.source))
        table = dict(route.tables).get(word if isinstance(word, str) else None, route.otherwise)
        if table is None:
            faults.append(Refused('no_route', column=(route.source, '')))
        return table

    def child_rows(self, child, parent, _row, places, out):
        """Adds the rows of one array; the faults of its elements."""
        array = find(parent, steps(child.source[:-2])) if is_document(parent) else MISSING
        if array is MISSING or isinstance(array, values.NULLS):
            return []
        if not isinstance(array, list):
            return [Refused('wrong_type', column=(child.table, child.source, child.source[:-2], ''))]
        faults = []
        for ordinal, element in enumerate(array, 1):
            made = []
            for column in child.columns:
                try:
                    made.append(coerce(element if column.origin == '.' else find(element, steps(column.origin)), column))
                except Refused as refused:
                    faults.append(Refused(*refused.codes, column=(column.name, f'{child.table}.{column.name}')))
            out[child.table].append(places + (ordinal, *made))
            for grandchild in child.children:
                faults += self.child_rows(grandchild, element, _row, places + (ordinal,), out)
        return faults


class Skipped(Exception):
    pass
