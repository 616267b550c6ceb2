"""A random case from a seed: a job, its documents, and what is done with them."""
import random
from dataclasses import dataclass, replace

import values
from coerce import Column
from documents import Collection
from mapping import Child, Hook, Job, Route

FITTING = {
    'int': ('int4', 'int8', 'numeric', 'float8', 'text', 'jsonb'),
    'double': ('float8', 'numeric', 'int4', 'text', 'jsonb'),
    'decimal': ('numeric', 'float8', 'int8', 'text'), 'number': ('numeric', 'float8', 'int8', 'jsonb'),
    'text': ('text', 'text', 'jsonb'),
    'number_text': ('int4', 'int8', 'numeric', 'float8', 'text'), 'bool': ('bool', 'text', 'jsonb'),
    'bool_text': ('bool', 'text'),
    'date': ('timestamptz', 'text'), 'time_text': ('timestamptz', 'text'), 'uuid': ('uuid', 'text', 'jsonb'),
    'document': ('jsonb', 'text'),
    'array': ('jsonb', 'text'), 'any': ('jsonb', 'text'), 'wide': ('text', 'jsonb'),
    'scalar': ('jsonb', 'text', 'numeric', 'bool'),
}
DEFAULTS = {'text': ('none', '', 'it\'s'), 'int4': (0, 7), 'int8': (5,), 'numeric': (1.25, 3),
            'float8': (0.5, 2), 'bool': (True, False), 'timestamptz': ('2026-01-05T10:00:00Z',),
            'uuid': ('f47ac10b-58cc-4372-a567-0e02b2c3d479',), 'jsonb': ('x',)}


@dataclass
class Case:
    seed: int
    job: Job
    first: list
    second: list
    jobs: int                     # -j
    made: bool                    # whether the user made the tables before
    delete_extra: bool
    broken: int                   # how often a load is killed, or its connection cut

    @property
    def name(self):
        return self.job.name


def escaped(name):
    return name.replace('\\', '\\\\').replace('.', '\\.')


def column(rng, name, source, kind):
    type_ = rng.choice(FITTING[kind]) if rng.random() < 0.85 else rng.choice(list(DEFAULTS))
    more = {}
    if rng.random() < 0.15:
        more['default'] = rng.choice(DEFAULTS[type_])
    if rng.random() < 0.3:
        more['on_error'] = rng.choice(('null', 'default') if 'default' in more else ('null',))
    if rng.random() < 0.1:
        more['required'] = True
    if rng.random() < 0.15 and type_ in ('text', 'int4', 'int8', 'numeric', 'float8'):
        more['strict'] = True
    if rng.random() < 0.15 and type_ in ('text', 'int4'):
        more['empty_null'] = True
    if rng.random() < 0.15 and type_ == 'text':
        more[rng.choice(('trim', 'nul'))] = rng.choice((True,))
        if more.get('nul'):
            more['nul'] = rng.choice(('strip', 'replace'))
    if rng.random() < 0.3 and type_ in ('numeric', 'float8'):
        more['non_finite'] = rng.choice(('null', 'keep'))
    if rng.random() < 0.2 and type_ in ('int4', 'int8'):
        more['fraction'] = 'truncate'
    if type_ == 'jsonb':
        if rng.random() < 0.3:
            more['json'] = 'typed'
        if rng.random() < 0.3:
            more['json_null'] = True
    return Column(name, type_, source, **more)


def columns(rng, collection, key):
    found = [Column('mongo_id', 'text', '_id')] if 'mongo_id' in key or not key or rng.random() < 0.5 else []
    if 'id' in key or rng.random() < 0.2:
        found.insert(0, Column('id', 'uuid', generate='v5'))
    for name, kind in collection.fields.items():
        if rng.random() < 0.85:
            same = rng.random() < 0.3 and '.' not in name
            found.append(column(rng, name if same else f'c{len(found)}', None if same else escaped(name),
                                kind))
    for name, kind in collection.inner.items():
        if rng.random() < 0.6:
            found.append(column(rng, f'c{len(found)}', f'in.{escaped(name)}', kind))
    if rng.random() < 0.3:
        found.append(column(rng, f'c{len(found)}', f'tags.{rng.randrange(3)}', 'text'))
    if rng.random() < 0.3:
        found.append(column(rng, f'c{len(found)}', f'items.{rng.randrange(2)}.q', collection.items['q']))
    if rng.random() < 0.5:
        found.append(Column('rest', 'jsonb', '*'))
    return tuple(found)


def children(rng, name, collection):
    found = []
    if rng.random() < 0.35:
        found.append(Child(f'{name}_tags', 'tags[]', (column(rng, 'tag', '.', 'text'),)))
    if rng.random() < 0.35:
        inner = (Child(f'{name}_parts', 'parts[]',
                       (column(rng, 'part', '.', 'text'),)),) if rng.random() < 0.4 else ()
        found.append(Child(f'{name}_items', 'items[]',
                           tuple(column(rng, k, None, v) for k, v in collection.items.items()), inner))
    return tuple(found)


def hook(rng, some, key):
    if rng.random() < 0.5:
        return None
    free = [c for c in some if c.name not in key and c.type in (
                'text', 'int4', 'int8', 'numeric', 'bool') and c.source != '_id']
    chosen = rng.choice(free) if free else None
    value = {'text': 'from the hook', 'int4': 12, 'int8': 12, 'numeric': 2.5,
             'bool': True}.get(chosen.type) if chosen else None
    emit = (chosen.name, value) if chosen and key == ('mongo_id',) and rng.random() < 0.5 else None
    return Hook(emit=emit, set=(chosen.name, value) if chosen else None,
                clear=rng.choice(free).name if free else None)


def case(seed):
    rng = random.Random(seed)
    collection = Collection(rng)
    name = f'm{seed}'
    key = rng.choice((('mongo_id',), ('mongo_id',), ('mongo_id',), ('id',), ('id',), ('id', 'mongo_id'), ()))
    policy = rng.choice(('update', 'update', 'skip', 'newer', 'error')) if key else 'error'
    some = columns(rng, collection, key)
    if policy == 'newer':
        some += (Column('ver', rng.choice(('int4', 'int8', 'numeric', 'float8'))),)
    routed = rng.random() < 0.2
    job = Job(name, name, some, key, policy, 'ver' if policy == 'newer' else None,
              children=() if routed or not key else children(rng, name, collection),
              route=Route('kind', (('A', name + '_a'), ('B', name + '_b')),
                          rng.choice((None, name + '_o'))) if routed else None,
              hook=hook(rng, some, key))
    if rng.random() < 0.2:
        job = replace(job, unmapped='error')
    first = collection.dump(rng.choice((0, 1, 5, 20, 60, 200)))
    second, jobs, made = collection.changed(first), rng.choice((1, 1, 3)), rng.random() < 0.3
    if jobs > 1 and collection.twice:
        # Several workers settle rows of one key in the order of the dump where they made the table, and
        # nowhere else.
        second, made = list({values.id_text(d[0][1]): d for d in second}.values()), False
    return Case(seed, job, first, second, jobs, made, delete_extra=rng.random() < 0.5,
                broken=rng.choice((0, 0, 0, 2)) * (policy != 'error' or not key))
