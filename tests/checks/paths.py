"""The tree speaks of lugger alone: no path of one machine, nothing left to be done later."""
import re
import unittest

import harness

SKIP = ('.git/', 'build/', 'tests/data/', '.lugger/', '.cache/', 'examples/shop/dump/')
# Put together, so that this file does not find itself.
FORBIDDEN = {
    'a path of one machine': re.compile('/' + r'work/|/' + r'home/\w|/' + r'root/|\.\./' + 'shared'),
    'something left to do': re.compile(r'\b(TO' + r'DO|FIX' + r'ME|XX' + r'X)\b'),
}


def files():
    for path in sorted(harness.ROOT.rglob('*')):
        name = str(path.relative_to(harness.ROOT))
        if path.is_file() and not f'{name}/'.startswith(
                SKIP) and '__pycache__' not in name and not path.is_symlink():
            yield name, path


class Paths(unittest.TestCase):
    def test_nothing_forbidden(self):
        found = []
        for name, path in files():
            data = path.read_bytes()
            if b'\0' in data:
                continue
            for number, line in enumerate(data.decode('utf-8', 'replace').split('\n'), 1):
                found += [f'{name}:{number}: {what}: {line.strip()[:80]}'
                          for what, pattern in FORBIDDEN.items() if pattern.search(line)]
        self.assertEqual(found, [])

    def test_no_large_files(self):
        large = [name for name, path in files() if path.stat().st_size > 2_000_000]
        self.assertEqual(large, [])


if __name__ == '__main__':
    harness.main()
