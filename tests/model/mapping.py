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
    """What `map` does with a document whose field `h` has one of these values; everything else is
    loaded as it is."""
    skip: bool = True
    reject: bool = True
    set: Optional[tuple] = None   # (column, value): the hook writes it
    clear: Optional[str] = None   # the hook makes this column NULL
    emit: Optional[tuple] = None  # (column, value): a row more, under the key 'shared' or one of its own


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
        return [self.table] if not self.route else [t for _, t in self.route.tables] + [
            self.route.otherwise] * bool(self.route.otherwise)

    def all_children(self):
        """(child, level) of every child table, parents first."""
        found = []

        def walk(children, level):
            for child in children:
                found.append((child, level))
                walk(child.children, level + 1)
        walk(self.children, 1)
        return found


    def below(self, table):
        """The child tables whose rows hang off the rows of a table."""
        if table in self.tables:
            return [child.table for child, _ in self.all_children()]
        own = next(child for child, _ in self.all_children() if child.table == table)
        return [child.table for child in own.children]


@dataclass
class Rows:
    """One document's row, and the rows of its child tables: {table: [row]}, each with the parent's key
    and places in front."""
    table: str
    row: dict
    children: dict = field(default_factory=dict)


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


def all_taken(value, taken, path):
    """Whether columns take every part of what stands at a path. What is empty is nobody's."""
    if is_taken(path, taken):
        return True
    if is_document(value):
        return bool(value) and all(all_taken(v, taken, path + (k,)) for k, v in dict(value).items())
    return isinstance(value, list) and bool(value) and all(
        all_taken(v, taken, path + (str(n),)) for n, v in enumerate(value))


def rest(value, taken, path=()):
    """The document without what other columns took. Of equal names the last one says whether it is
    taken, and alone counts where columns look below it. An array is whole or not there: its
    elements keep their places."""
    last, places, kept = dict(value), {name: place for place, (name, _) in enumerate(value)}, []
    for place, (name, inner) in enumerate(value):
        here = path + (name,)
        looked_into = any(one[:len(here)] == here for one in taken)
        if all_taken(last[name], taken, here) or looked_into and place != places[name]:
            continue
        kept.append((name,
                     rest(inner, taken, here) if looked_into and is_document(inner) and inner else inner))
    return tuple(kept)


def paths_taken(columns, children):
    """The paths that columns and child tables name. A route and a computed id take nothing."""
    found = {tuple(steps(c.origin)) for c in columns if c.origin != '*' and not c.generate}
    return found | {tuple(steps(child.source[:-2])) for child in children}


def named(refused):
    """The columns that a reject may name."""
    return refused.column if isinstance(refused.column, tuple) else (refused.column,)


def has_rest(columns):
    """Whether a column keeps what the others leave."""
    return any(c.origin in ('*', '.') for c in columns)


class Mapping:
    def __init__(self, job):
        self.job = job
        self.taken = paths_taken(job.columns, job.children)
        self.unmapped = job.unmapped == 'error'

    def of(self, document):
        """[Rows], the document's own first, or Reject; Skipped is raised."""
        identity = '?'
        try:
            identity = self.identity(document)
            return self.made(document, identity)
        except Refused as refused:
            return Reject(identity, refused.codes, named(refused))

    def identity(self, document):
        return values.id_text(find(document, ['_id']))

    def made(self, document, identity):
        if self.unmapped and not has_rest(self.job.columns) and any(
                k != '_id' for k, _ in rest(document, self.taken)):
            raise Refused('unmapped')
        row, faults = self.columns_of(document, identity)
        more = self.hooked(row, faults, document)
        table = self.routed(document)
        if faults:
            order = [c.name for c in self.job.columns]
            raise min(faults, key=lambda fault: order.index(fault.column))
        children = {child.table: [] for child, _ in self.job.all_children()}
        for child in self.job.children:
            self.child_rows(child, document, (), children)
        parent = tuple(row[c] for c in self.job.key)
        for name, rows in children.items():
            children[name] = [parent + r for r in rows]
        return [Rows(table, row, children)] + [Rows(table, one, {}) for one in more]

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
        """What the hook does; the rows that it adds."""
        hook, word = self.job.hook, find(document, ['h'])
        if not hook:
            return []
        if word == 'skip' and hook.skip:
            raise Skipped(word)
        if word == 'reject' and hook.reject:
            raise Refused('hook')
        if word == 'set' and hook.set:
            self.write(row, faults, *hook.set)
        if word == 'clear' and hook.clear:
            self.write(row, faults, hook.clear, None)
        if word in ('emit', 'shared', 'list') and hook.emit:
            own = row[self.job.key[0]]
            more, new = {**row, self.job.key[0]: 'shared' if word == 'shared' else own + '#'}, []
            for column in self.job.columns:
                if column.generate:
                    more[column.name] = values.id_uuid(self.job.collection, more[self.job.key[0]])
            self.write(more, new, *hook.emit)
            faults += new
            return [more]
        return []

    def write(self, row, faults, name, value):
        """The hook's value passes the column's coercer; what stood there before is mended."""
        column = next(c for c in self.job.columns if c.name == name)
        faults[:] = [f for f in faults if f.column != name]
        try:
            row[name] = coerce(value, column)
        except Refused as refused:
            faults.append(refused)

    def routed(self, document):
        route = self.job.route
        if not route:
            return self.job.table
        word = find(document, steps(route.source))
        table = dict(route.tables).get(word if isinstance(word, str) else None, route.otherwise)
        if table is None:
            raise Refused('no_route', column=(route.source, ''))
        return table

    def child_rows(self, child, parent, places, out):
        """Adds the rows of one array."""
        array = find(parent, steps(child.source[:-2]))
        if array is MISSING or isinstance(array, values.NULLS):
            return
        told = (child.table, child.source, child.source[:-2], '')
        if not isinstance(array, list):
            raise Refused('wrong_type', column=told)
        taken = paths_taken(child.columns, child.children)
        for ordinal, element in enumerate(array, 1):
            if any(c.origin != '.' for c in child.columns) and not is_document(element):
                raise Refused('wrong_type', column=told)
            if self.unmapped and is_document(element) and not has_rest(child.columns) and rest(
                    element, taken):
                raise Refused('unmapped', column=told)
            made = []
            for column in child.columns:
                try:
                    made.append(coerce(
                        element if column.origin == '.' else find(element, steps(column.origin)), column))
                except Refused as refused:
                    raise Refused(*refused.codes,
                                  column=(column.name, f'{child.table}.{column.name}')) from None
            out[child.table].append(places + (ordinal, *made))
            for grandchild in child.children:
                self.child_rows(grandchild, element, places + (ordinal,), out)


class Skipped(Exception):
    pass
