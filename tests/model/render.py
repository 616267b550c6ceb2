"""A case on disk and in the server: the script, the dump, SQL that makes, changes and reads tables."""
import json
from decimal import Decimal

from harness import lua

from coerce import bits
from values import last_of_equal

FLAGS = ('required', 'strict', 'empty_null', 'trim', 'json_null')
WORDS = ('on_error', 'non_finite', 'fraction', 'nul', 'json', 'generate')


def column(one):
    said = [lua(one.name), lua(one.type)]
    if one.source is not None:
        said.append(f'from = {lua(one.source)}')
    said += [f'{flag} = true' for flag in FLAGS if getattr(one, flag)]
    said += [f'{word} = {lua(getattr(one, word))}'
             for word in WORDS if getattr(one, word) not in (None, 'reject')]
    if one.default is not None:
        said.append(f'default = {lua(one.default)}')
    return '{ ' + ', '.join(said) + ' }'


def columns(some, indent):
    return '{\n' + ''.join(f'{indent}  {column(c)},\n' for c in some) + indent + '}'


def children(some, indent):
    if not some:
        return ''
    inner = indent + '  '
    text = ''.join(f'{inner}{{ table = {lua(c.table)}, from = {lua(c.source)}, '
                   f'columns = {columns(c.columns, inner)},'
                   f'{children(c.children, inner)} }},\n'
                   for c in some)
    return f' children = {{\n{text}{indent}}},'


def literal(value):
    return 'nil' if value is None else lua(value)


def hook(one, keys):
    if not one:
        return ''
    lines = []
    if one.skip:
        lines.append("    if doc.h == 'skip' then return lugger.skip 'h' end\n")
    if one.reject:
        lines.append("    if doc.h == 'reject' then return lugger.reject 'h' end\n")
    if one.set:
        lines.append(f"    if doc.h == 'set' then row[{lua(one.set[0])}] = {literal(one.set[1])} end\n")
    if one.clear:
        lines.append(f"    if doc.h == 'clear' then row[{lua(one.clear)}] = nil end\n")
    if one.emit:
        key, = keys
        more = f'{lua(one.emit[0])}] = {literal(one.emit[1])}'
        lines.append(f"    local key = doc.h == 'shared' and 'shared' or row.{key} .. '#'\n")
        lines.append(f"    if doc.h == 'list' then return {{ {{}}, {{ {key} = key, [{more} }} }} end\n")
        lines.append(f"    if doc.h == 'emit' or doc.h == 'shared' then lugger.emit {{ {key} = key, "
                     f"[{more} }} end\n")
    return f"    map = function(row, doc)\n{''.join('  ' + x for x in lines)}    end,\n"


def route(one):
    if not one:
        return ''
    tables = ', '.join(f'[{lua(k)}] = {lua(t)}' for k, t in one.tables)
    otherwise = f', otherwise = {lua(one.otherwise)}' if one.otherwise else ''
    return f'    route = {{ from = {lua(one.source)}, tables = {{ {tables} }}{otherwise} }},\n'


def job(one, dump):
    said = []
    if not one.route:
        said.append(f'table = {lua(one.table)}')
    if one.key:
        said.append(f'key = {lua(list(one.key))}')
        said.append(f'on_conflict = {lua(one.policy)}')
    if one.newer:
        said.append(f'newer = {lua(one.newer)}')
    return (f'  lugger.copy {{\n    name = {lua(one.name)},\n'
            f'    from = lugger.source({lua(dump)}, {{ collection = {lua(one.collection)} }}),\n'
            f'    into = lugger.target(lugger.env.PG_URI, {{ {", ".join(said)} }}),\n'
            f'    columns = {columns(one.columns, "    ")},\n   {children(one.children, "    ")}\n'
            f'{route(one.route)}{hook(one.hook, one.key)}    unmapped = {lua(one.unmapped)},\n  }},\n')


def script(jobs):
    """Of (job, dump)."""
    return "local lugger = require 'lugger'\nreturn {\n  create = true,\n" + ''.join(
        job(*one) for one in jobs) + '}\n'


# --- the server

def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def types_of(one):
    """{table: [(column, type)]}"""
    own = {c.name: c.type for c in one.columns}
    found = {name: list(own.items()) for name in one.tables}
    for child, level in one.all_children():
        front = [('parent_' + k, own[k]) for k in one.key]
        front += [(f'ordinal_{n}', 'int4') for n in range(1, level)] + [('ordinal', 'int4')]
        found[child.table] = front + [(c.name, c.type) for c in child.columns]
    return found


def create(table, some, key):
    """A table as a user would make it: its key is a primary key."""
    body = ', '.join(f'{quoted(n)} {t}' for n, t in some)
    primary = f", primary key ({', '.join(map(quoted, key))})" if key else ''
    return f'create table {quoted(table)} ({body}{primary});\n'


def shown(name, kind):
    if kind == 'timestamptz':
        return (f"case when isfinite({quoted(name)}) then "
                f"(extract(epoch from {quoted(name)}) * 1000000)::int8::text"
                f" else {quoted(name)}::text end")
    return f'{quoted(name)}::text'


def select(table, some):
    return f"select json_build_array({', '.join(shown(*c) for c in some)}) from {quoted(table)};\n"


def read(text, kind):
    """A column's text as a value of the model."""
    if text is None or kind in ('text', 'uuid'):
        return text
    if kind in ('int4', 'int8'):
        return int(text)
    if kind == 'numeric':
        return text if text.lstrip('-')[0] in 'NI' else Decimal(text)
    if kind == 'float8':
        return bits(float(text))
    if kind == 'bool':
        return text == 'true'
    if kind == 'timestamptz':
        return text if 'inf' in text else int(text)
    return last_of_equal(json.loads(text, parse_float=Decimal, parse_int=Decimal))


def rows(text, some):
    """What select printed, as rows of the model."""
    return [tuple(read(v, kind) for v, (_, kind) in zip(json.loads(line), some))
            for line in text.split('\n') if line]
