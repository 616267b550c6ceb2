"""What tests fetch or build once and keep for later runs, outside the tree: under LUGGER_TEST_CACHE, or
~/.cache/lugger-tests. Where something is not to be had the test is skipped by name."""
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import harness


def cache(name):
    root = os.environ.get('LUGGER_TEST_CACHE') or os.path.expanduser('~/.cache/lugger-tests')
    path = Path(root) / name
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def alone(folder):
    """Of several tests that need the same thing, one makes it."""
    with open(folder / 'lock', 'w', encoding='utf-8') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield folder


def need(*programs, peer):
    for program in programs:
        if shutil.which(program) is None:
            harness.skip(f'{peer} needs {program}, which is not installed')


def run(command, folder, peer, **environment):
    """A step of making a peer; a step that fails skips the test with its last words."""
    print(f'{peer}: {" ".join(map(str, command))}', flush=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1500,
                          env={**os.environ, **environment})
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or 'no word').splitlines()[-1]
        harness.skip(f'{peer} is not to be had: {words[:160]}')
    return done.stdout


def python_with(package):
    """A Python of its own that has a package of PyPI, "name==version"."""
    folder = cache(package.replace('==', '-'))
    python, peer = folder / 'bin' / 'python', f'the PyPI package {package}'
    with alone(folder):
        if not (folder / 'made').exists():
            run([sys.executable, '-m', 'venv', str(folder)], folder, peer)
            run([str(python), '-m', 'pip', 'install', '-q', package], folder, peer)
            (folder / 'made').touch()
    return python
