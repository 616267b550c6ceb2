"""A PostgreSQL 18 with pgvector 0.8.5 and with doubles of two extensions that no registry has: PGVecto.rs
(`vectors`, in the forms of 0.2.1, 0.3.0 and 0.4.0) and VectorChord (`vchord`, access methods alone). Their C
is in pgvectors/, compiled against the headers of the server. The double keeps to the documented layouts,
modifiers, texts, casts and operators; an index of it is empty, so that nothing is claimed of recall."""
import subprocess
from pathlib import Path

from peer_cache import need
from peer_postgres import NEWEST, PgVector, server
from postgres import Postgres

PEER = 'the double of PGVecto.rs'
# What the sources call the types inside.
TYPES = {'vector': 'vecf32', 'vecf16': 'vecf16', 'svector': 'svecf32', 'bvector': 'bvecf32', 'veci8': 'veci8'}
LIMITS = {'svector': 1048575}
VERSIONS = {'0.2.1': ('vector', 'vecf16'), '0.3.0': tuple(TYPES), '0.4.0': tuple(TYPES)[:-1]}
CONTROL = """comment = 'vectors: Vector database plugin for Postgres, written in Rust (a double of it)'
module_pathname = '$libdir/vectors'
relocatable = false
superuser = true
schema = vectors
"""
VIEW = """
create type vector_index_stat as (idx_status text, idx_indexing bool, idx_tuples bigint, idx_sealed bigint[],
  idx_growing bigint[], idx_write bigint, idx_size bigint, idx_options text);
-- An index is at work for as long as the setting says, from the moment its file was made.
create view pg_vector_index_stat as select c.oid as tablerelid, i.oid as indexrelid, c.relname as tablename,
  i.relname as indexname, 'NORMAL'::text as idx_status, pg_catalog.clock_timestamp() <
    (pg_catalog.pg_stat_file(pg_catalog.pg_relation_filepath(i.oid))).modification +
    coalesce(nullif(pg_catalog.current_setting('vectors_double.indexing_s', true), ''), '0')::float8 *
    interval '1 second' as idx_indexing,
  c.reltuples::bigint as idx_tuples, '{}'::bigint[] as idx_sealed, '{}'::bigint[] as idx_growing,
  0::bigint as idx_write, 0::bigint as idx_size, pg_catalog.array_to_string(i.reloptions, ' ') as idx_options
  from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
  join pg_catalog.pg_class c on c.oid = x.indrelid join pg_catalog.pg_am m on m.oid = i.relam
  where m.amname = 'vectors';
"""


def function(name, arguments, returns, symbol):
    return (f'create function {name}({arguments}) returns {returns} immutable strict parallel safe '
            f"language c as 'MODULE_PATHNAME', '{symbol}';\n")


def type_sql(name, binary):
    """One type with its input, output, and from 0.3 on its binary functions."""
    inside, limit = TYPES[name], LIMITS.get(name, 65535)
    out = function(f'_vectors_{inside}_in', 'cstring, oid, int', name, 'double_in')
    out += function(f'_vectors_{inside}_out', name, 'cstring', 'double_out')
    both = ''
    if binary:
        out += function(f'_vectors_{inside}_recv', 'internal, oid, int', name, 'double_recv')
        out += function(f'_vectors_{inside}_send', name, 'bytea', 'double_send')
        both = f'receive = _vectors_{inside}_recv, send = _vectors_{inside}_send, '
    return out + (f'create type {name} (input = _vectors_{inside}_in, output = _vectors_{inside}_out, {both}'
                  f'typmod_in = _vectors_typmod_in_{limit}, typmod_out = _vectors_typmod_out, '
                  'storage = external, internallength = variable, alignment = double);\n')


def cast_sql(left, right, context='', symbol='double_cast'):
    one, other = (TYPES.get(name, 'array') for name in (left, right))
    name = f'_vectors_cast_{one}_to_{other}'
    return (function(name, f'{left}, int, bool', right, symbol) +
            f'create cast ({left} as {right}) with function {name}({left}, int, bool){context};\n')


def casts(version):
    out = cast_sql('real[]', 'vector', ' as implicit', 'double_from_array')
    out += cast_sql('vector', 'real[]', ' as implicit', 'double_to_array')
    if version == '0.2.1':
        return out + cast_sql('vector', 'vecf16')
    for name in VERSIONS[version][1:]:
        out += cast_sql('vector', name) + cast_sql(name, 'vector')
    return out


def distances(name, version):
    """{operator: (word in the name of its function, word in the operator class)}."""
    if name != 'bvector':
        return {'<->': ('l2', 'l2'), '<#>': ('dot', 'dot'), '<=>': ('cos', 'cos')}
    out = {'<->': ('l2', 'hamming' if version == '0.4.0' else 'l2'), '<#>': ('dot', 'dot'),
           '<~>': ('jaccard', 'jaccard')}
    return out if version == '0.4.0' else {**out, '<=>': ('cos', 'cos')}


def operators(name, version):
    inside, out = TYPES[name], ''
    pair, sides = f'{name}, {name}', f'leftarg = {name}, rightarg = {name}'
    for word, operator in (('eq', '='), ('neq', '<>')):
        out += function(f'_vectors_{inside}_operator_{word}', pair, 'bool', 'double_equal')
        out += f'create operator {operator} (procedure = _vectors_{inside}_operator_{word}, {sides});\n'
    for operator, (word, metric) in distances(name, version).items():
        out += function(f'_vectors_{inside}_operator_{word}', pair, 'real', 'double_distance')
        out += (f'create operator {operator} (procedure = _vectors_{inside}_operator_{word}, {sides}, '
                f'commutator = {operator});\n'
                f'create operator class {name}_{metric}_ops for type {name} using vectors as '
                f'operator 1 {operator} ({pair}) for order by float_ops;\n')
    return out + function(f'_vectors_{inside}_dims', name, 'int', 'double_dimensions')


def install_sql(version):
    kinds = VERSIONS[version]
    out = ''.join(f'create type {name};\n' for name in kinds)
    for limit in (65535, 1048575):
        out += function(f'_vectors_typmod_in_{limit}', 'cstring[]', 'int', 'double_typmod_in')
    out += function('_vectors_typmod_out', 'int', 'cstring', 'double_typmod_out')
    out += ''.join(type_sql(name, version != '0.2.1') for name in kinds) + casts(version)
    out += function('_vectors_amhandler', 'internal', 'index_am_handler', 'double_am')
    out += 'create access method vectors type index handler _vectors_amhandler;\n'
    return out + ''.join(operators(name, version) for name in kinds) + VIEW


def vchord_sql():
    out = function('_vchord_amhandler', 'internal', 'index_am_handler', 'double_vchord_am')
    for method in ('vchordrq', 'vchordg'):
        out += f'create access method {method} type index handler _vchord_amhandler;\n'
        for kind in ('vector', 'halfvec'):
            for metric, operator in (('l2', '<->'), ('ip', '<#>'), ('cosine', '<=>')):
                out += (f'create operator class {kind}_{metric}_ops for type {kind} using {method} as '
                        f'operator 1 {operator} ({kind}, {kind}) for order by float_ops;\n')
    return out


def install(binaries):
    """Compiles the two extensions into an unpacked server."""
    need('cc', peer=PEER)
    root, here = Path(binaries).parent, Path(__file__).parent / 'pgvectors'
    library = root / 'lib/postgresql/vectors.so'
    done = subprocess.run(
        ['cc', '-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-fno-math-errno',
         f'-I{root}/include/postgresql/server', str(here / 'types.c'), str(here / 'am.c'), '-o', str(library),
         '-lm'], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f'{PEER} does not compile:\n{done.stderr}')
    extension = root / 'share/postgresql/extension'
    files = {'vectors.control': CONTROL + "default_version = '0.4.0'\n",
             'vchord.control': "requires = 'vector'\nrelocatable = true\ndefault_version = '1.1.1'\n"
                               "module_pathname = '$libdir/vectors'\n",
             'vchord--1.1.1.sql': vchord_sql(),
             **{f'vectors--{version}.sql': install_sql(version) for version in VERSIONS}}
    for name, text in files.items():
        (extension / name).write_text(text, encoding='utf-8')
        (extension / name).chmod(0o644)
    library.chmod(0o755)


class PgVectors(PgVector):
    """Started with the library of the double, as PGVecto.rs wants it."""

    def __init__(self, settings=None):
        binaries = server(NEWEST)
        install(binaries)
        Postgres.__init__(self, {'shared_preload_libraries': 'vectors', **(settings or {})},
                          binaries_of=binaries)

    def fresh(self, name=None, options='', schema='public', vectors='0.4.0', vchord=False):
        """A new database with pgvector in `schema` (None: without it) and `vectors` of that version."""
        database = super().fresh(name, options, schema)
        if vectors:
            database.query(f"create extension vectors version '{vectors}'")
        if vchord:
            database.query(f'create extension vchord schema {schema}')
        return database
