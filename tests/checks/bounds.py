"""No file over 400 lines, no function that a reader must scroll for, no line of prose that a diff
cannot show."""
import re
import statistics
import unittest

import harness

FOLDERS = ('runtime', 'bindings', 'stdlib', 'scripts', 'examples', 'tests', 'tools', 'cmake', '.ci')
ENDINGS = ('.cpp', '.hpp', '.h', '.lua', '.py', '.sh', '.mjs', '.cmake')
GENERATED = ('stdlib/meta/records.lua',)
MAX_FILE = 400
MAX_FUNCTION = 70
MAX_PROSE = 100
MAX_PYTHON = 110


def sources():
    for folder in FOLDERS:
        for path in sorted((harness.ROOT / folder).rglob('*')):
            name = str(path.relative_to(harness.ROOT))
            if not path.is_file() or '/data/' in name or '__pycache__' in name or name in GENERATED:
                continue
            if path.suffix in ENDINGS or folder in ('tools', '.ci'):
                yield name, path.read_text(encoding='utf-8', errors='replace')


def without_text(code):
    """C++ with strings, characters and comments blanked, so that braces in them do not count."""
    pattern = r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![\w])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, lambda m: '\n' * m.group(0).count('\n'), code, flags=re.S)


def cpp_functions(code):
    """(first line, lines, head) of every brace block whose head ends like a function's."""
    code, stack, start, line, found = without_text(code), [], 0, 1, []
    for i, char in enumerate(code):
        if char == '\n':
            line += 1
        if char == '{':
            head = code[start:i].strip()
            stack.append((line, ' '.join(head.split())))
        if char == '}' and stack:
            first, head = stack.pop()
            if re.search(r'\)\s*(const|noexcept|override|final|mutable|->\s*[\w:<>&*, ]+|:\s.*)*\s*$', head):
                found.append((first, line - first + 1, head[-60:]))
        if char in '{};':
            start = i + 1
    return found


def indented_functions(code, head, ends):
    """Lua and Python: a function reaches from its head to the last line that is indented deeper, plus
    its end."""
    lines, found = code.split('\n'), []
    for at, line in enumerate(lines):
        if not re.match(head, line):
            continue
        indent, last = len(line) - len(line.lstrip()), at
        for next_at in range(at + 1, len(lines)):
            text = lines[next_at]
            if text.strip() and len(text) - len(text.lstrip()) <= indent:
                if re.match(ends, text.strip()):
                    last = next_at
                break
            last = next_at if text.strip() else last
        found.append((at + 1, last - at + 1, line.strip()))
    return found


class Bounds(unittest.TestCase):
    def test_files(self):
        sizes = {name: text.count('\n') for name, text in sources()}
        print(f'{len(sizes)} files, median {statistics.median(sizes.values()):.0f} lines')
        self.assertEqual({n: s for n, s in sizes.items() if s > MAX_FILE}, {})

    def test_functions(self):
        long = []
        for name, text in sources():
            if name.endswith(('.cpp', '.hpp')):
                found = cpp_functions(text)
            elif name.endswith('.lua'):
                found = indented_functions(text, r'\s*(local )?function |.*= function\(', r'end')
            elif name.endswith('.py'):
                found = indented_functions(text, r'\s*def ', r'$^')
            else:
                continue
            long += [f'{name}:{first}: {lines} lines: {head}' for first, lines, head in found
                     if lines > MAX_FUNCTION]
        self.assertEqual(long, [])

    def test_the_scan_sees_functions(self):
        code = 'struct A { int f() const {\n' + '\n' * 80 + '} };\nnamespace x {\n' + '\n' * 90 + '}\n'
        self.assertEqual([lines for _, lines, _ in cpp_functions(code)], [82])

    def test_python_is_wrapped(self):
        long = [f'{name}:{number}: {len(line)} columns' for name, text in sources() if name.endswith('.py')
                for number, line in enumerate(text.split('\n'), 1) if len(line) > MAX_PYTHON]
        self.assertEqual(long, [], '\n'.join(long))

    def test_prose_is_wrapped(self):
        long = []
        for path in [harness.ROOT / 'README.md', harness.ROOT / 'CHANGELOG.md',
                     *sorted((harness.ROOT / 'docs').glob('*.md')),
                     *sorted((harness.ROOT / 'examples').rglob('*.md'))]:
            code = path.name in ('api.md', 'api-inner.md')  # made of comments
            for number, line in enumerate(path.read_text(encoding='utf-8').split('\n'), 1):
                if line.lstrip().startswith('```'):
                    code = not code
                if len(line) > MAX_PROSE and not code and not line.startswith('|'):
                    long.append(f'{path.relative_to(harness.ROOT)}:{number}: {len(line)} columns')
        self.assertEqual(long, [], '\n'.join(long))


if __name__ == '__main__':
    harness.main()
