"""Every requirement row that lugger claims has a test named after it: test_s0_33_... in Python, "S0-33
..." in Catch2."""
import re
import unittest

import harness

CLAIMED = {
    'S0': [*range(1, 47), 48, 50, 53, *range(59, 66), *range(69, 82)],
    'S1': [*range(2, 19), *range(20, 23), *range(23, 32)],
    'S2': [*range(1, 27)],
    'N': [*range(1, 8), *range(9, 20)],
}
FORMS = (
    ('*.py', re.compile(r'^\s+def test_(s\d|n)_(\d\d)_\w', re.M)),
    ('*.cpp', re.compile(r'TEST_CASE\(\s*"[^"]*?\b(S\d|N)-(\d\d)\b')),
)
# A Catch2 name may hold several rows.
MORE = re.compile(r'\b(S\d|N)-(\d\d)\b')


def named():
    """Row -> the tests that carry its name."""
    found = {}
    for pattern, form in FORMS:
        for path in sorted((harness.ROOT / 'tests').rglob(pattern)):
            text = path.read_text(encoding='utf-8')
            for match in form.finditer(text):
                for family, number in MORE.findall(match.group(0)) or [match.groups()]:
                    found.setdefault(f'{family.upper()}-{number}', set()).add(path.name)
    return found


class Rows(unittest.TestCase):
    def test_each_row_has_a_test(self):
        claimed = {f'{family}-{number:02}' for family, numbers in CLAIMED.items() for number in numbers}
        self.assertEqual(sorted(claimed - named().keys()), [], 'rows without a test named after them')

    def test_each_name_is_of_a_known_row(self):
        claimed = {f'{family}-{number:02}' for family, numbers in CLAIMED.items() for number in numbers}
        self.assertEqual(sorted(named().keys() - claimed), [], 'add the row to CLAIMED, or mend the name')


if __name__ == '__main__':
    harness.main()
