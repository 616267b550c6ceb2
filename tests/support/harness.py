"""What every test here is made of: the program, scratch directories, skipping. Standard library only."""
import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / 'tests' / 'data'
SKIPPED = 77


def binary():
    """The program under test."""
    path = os.environ.get('LUGGER')
    if path:
        return path
    for preset in ('dev', 'release', 'asan'):
        candidate = ROOT / 'build' / preset / 'lugger'
        if candidate.exists():
            return str(candidate)
    raise SystemExit('set LUGGER to the lugger binary')


def skip(reason):
    """Ends a whole test file as skipped; inside a test method only that method."""
    if _running_methods:
        raise unittest.SkipTest(reason)
    print(f'SKIP: {reason}', flush=True)
    sys.exit(SKIPPED)


_running_methods = False


def clean_environment(extra=None):
    """Nothing of the caller's databases reaches a test."""
    keep = {k: v for k, v in os.environ.items() if k in (
                'PATH', 'TMPDIR', 'LANG', 'LC_ALL', 'USER',
                'LOGNAME') or k.endswith('SAN_OPTIONS') or k.startswith('LUGGER')}
    keep['HOME'] = scratch_root()
    keep.setdefault('LC_ALL', 'C.UTF-8')
    keep.setdefault('LUGGER_CONNECT_WAIT', '0')
    keep.update(extra or {})
    return {k: str(v) for k, v in keep.items() if v is not None}


class Result:
    def __init__(self, arguments, status, out, err):
        self.arguments, self.status, self.out, self.err = arguments, status, out, err

    def __repr__(self):
        return (f'lugger {" ".join(map(str, self.arguments))}\nstatus {self.status}\nstdout:\n{self.out}\n'
                f'stderr:\n{self.err}')

    def books(self, job=None):
        """The accounting as dicts of numbers; one job's when there is only one or it is named."""
        found = all_books(self.err)
        if job is not None:
            return found[job]
        if len(found) != 1:
            raise AssertionError(f'not one accounting line, but {len(found)}:\n{self!r}')
        return next(iter(found.values()))


SHARES = ('inserted', 'updated', 'unchanged', 'skipped', 'rejected')


def all_books(text):
    """Of each job: from the line of one job, and from the table of several."""
    found = {}
    for name, read, rest in re.findall(r'^(.*): read ([\d,_ ]+) = (inserted .*)$', text, re.M):
        counts = {word: plain_number(value) for word, value in re.findall(r'(\w+) ([\d,_]+)', rest)}
        found[name] = {'read': plain_number(read), **counts}
    for head, rows in re.findall(r'^job +(read  .*)\n((?:.* +[\d,.]+\n)+?)\d+ jobs  ', text, re.M):
        words = [word.replace(' ', '_') for word in re.split(r'  +', head)]
        for row in rows.splitlines():
            name, *cells = re.split(r'  +', row)
            counts = dict(zip(words, cells))
            found[name] = {'read': plain_number(counts['read']), **dict.fromkeys(SHARES, 0),
                           **{word: plain_number(counts[word]) for word in words[1:-3]}}
    return found


def plain_number(text):
    return int(re.sub(r'[^\d]', '', text))


def lugger(*args, cwd=None, env=None, input=None, expect=0, timeout=120):
    """Runs the program. `expect` is its exit status, a tuple of them, or None for any."""
    raw = isinstance(input, bytes)
    done = subprocess.run([binary(), *map(str, args)], cwd=cwd or scratch(), env=clean_environment(env),
                          input=input, stdin=subprocess.DEVNULL if input is None else None,
                          capture_output=True, text=not raw, errors=None if raw else 'surrogateescape',
                          timeout=timeout)
    out, err = (done.stdout.decode('utf-8', 'surrogateescape'),
                done.stderr.decode('utf-8', 'surrogateescape')) if raw else (done.stdout, done.stderr)
    result = Result(args, done.returncode, out, err)
    wanted = (expect,) if isinstance(expect, int) else expect
    if wanted is not None and done.returncode not in wanted:
        raise AssertionError(f'expected exit status {expect}\n{result!r}')
    return result


def start(*args, cwd=None, env=None):
    """Starts the program and returns the process; its standard error is a pipe. It does not outlive
    the tests."""
    process = subprocess.Popen([binary(), *map(str, args)], cwd=cwd or scratch(), env=clean_environment(env),
                               text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, errors='surrogateescape')
    atexit.register(lambda: process.poll() is None and process.kill())
    return process


_root = None


def scratch_root():
    global _root
    if _root is None:
        _root = tempfile.mkdtemp(prefix='lug-s-')
        os.chmod(_root, 0o755)
        atexit.register(shutil.rmtree, _root, ignore_errors=True)
    return _root


def scratch():
    """A new empty directory."""
    path = tempfile.mkdtemp(dir=scratch_root())
    os.chmod(path, 0o755)
    return path


def script(text, name='job.lua', cwd=None):
    """Writes a Lua script into a scratch directory; returns its path."""
    path = Path(cwd or scratch()) / name
    path.write_text(textwrap.dedent(text), encoding='utf-8')
    return str(path)


def lua(value):
    """A Python value as a Lua literal."""
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, dict):
        return '{' + ', '.join(f'[{lua(k)}] = {lua(v)}' for k, v in value.items()) + '}'
    if isinstance(value, (list, tuple)):
        return '{' + ', '.join(map(lua, value)) + '}'
    if isinstance(value, str):
        return '"' + ''.join(c if ' ' <= c <= '~' and c not in '"\\' else ''.join(
                                 f'\\{b:03d}' for b in c.encode()) for c in value) + '"'
    return str(value)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


class _Result(unittest.TextTestResult):
    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f'SKIP: {test.id().split(".", 1)[-1]}: {reason}', flush=True)


def main():
    """Runs the tests of the calling file; 77 when all of them were skipped."""
    global _running_methods
    _running_methods = True
    program = unittest.main(
        exit=False, testRunner=unittest.TextTestRunner(verbosity=2, resultclass=_Result, stream=sys.stdout))
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.testsRun and len(result.skipped) == result.testsRun else 0)
