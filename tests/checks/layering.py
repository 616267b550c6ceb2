"""Includes in runtime/ point to the same layer or to those on its left; Lua stays in bindings/,
libpqxx in one file."""
import re
import unittest

import harness

RUNTIME = harness.ROOT / 'runtime'
LAYERS = re.search(r'set\(LUGGER_LAYERS ([^)]*)\)',
                   (harness.ROOT / 'cmake/layers.cmake').read_text(encoding='utf-8'))[1].split()
PLACE = {'base', 'value', 'vector', 'plan', 'change'}
KINDS = set(LAYERS[LAYERS.index('store') + 1:LAYERS.index('registry')])
ALLOWED = {
    'base': set(),
    'value': {'base'},
    'vector': {'base', 'value'},
    'plan': {'base', 'value', 'vector'},
    'change': {'base', 'value', 'vector', 'plan'},
    'place': PLACE,
    **{kind: PLACE | {'place'} for kind in KINDS},
    'postgres': PLACE | {'place', 'sql'},
    'store': PLACE | {'place', 'http'},
    'weaviate': PLACE | {'place', 'http', 'store'},
    'pinecone': PLACE | {'place', 'http', 'store'},
    'registry': PLACE | KINDS | {'place'},
    'census': PLACE | {'place', 'registry'},
    'engine': PLACE | {'place', 'registry', 'census', 'embed', 'http'},
    'verify': PLACE | {'place', 'registry', 'census', 'engine', 'embed'},
    'fix': PLACE | {'place', 'postgres', 'registry', 'engine'},
    'sql': {'base'},
    'http': {'base'},
    'embed': {'base', 'value', 'http'},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def includes():
    """(file, layer, included path) of every include below runtime/."""
    for path in sorted([*RUNTIME.rglob('*.hpp'), *RUNTIME.rglob('*.cpp')]):
        for name in INCLUDE.findall(path.read_text(encoding='utf-8')):
            yield path.relative_to(harness.ROOT), path.relative_to(RUNTIME).parts[0], name


class Layering(unittest.TestCase):
    def test_every_layer_is_known(self):
        found = {p.name for p in RUNTIME.iterdir() if p.is_dir()}
        self.assertEqual(found, set(LAYERS))
        self.assertEqual(found, set(ALLOWED), 'a new layer: say here what it may include')

    def test_arrows_point_left(self):
        wrong = []
        for path, layer, name in includes():
            other = name.split('/')[0]
            if '/' in name and other in ALLOWED and other != layer and other not in ALLOWED[layer]:
                wrong.append(f'{path} includes {name}')
        self.assertEqual(wrong, [])

    def test_runtime_knows_no_lua(self):
        wrong = [f'{path} includes {name}' for path, _, name in includes() if re.search(
                     r'(^|/)(lua|lualib|lauxlib|luajit)\.h(pp)?$', name) or name.startswith('bindings/')]
        self.assertEqual(wrong, [])

    def test_only_the_session_knows_libpqxx(self):
        users = {str(path) for path, _, name in includes() if name.startswith('pqxx')}
        self.assertEqual(users, {'runtime/postgres/session.cpp', 'runtime/postgres/pqxx.hpp'})

    def test_b1_whoever_opens_asks_the_gate(self):
        """Who opens files or connections says AllowedPath or AllowedUrl, or stands here with its reason."""
        own = {
            'base/file_lock.cpp': 'locks of private servers and ledgers, whose directories were asked for',
            'change/spill.cpp': 'a file without a name',
            'engine/control.cpp': 'the sockets of running loads',
            'postgres/binaries.cpp': 'where PostgreSQL is installed',
            'postgres/server_scripts.cpp': 'a private server, as its superuser',
            'postgres/settings.cpp': 'a connection that is never made',
            'verify/sign.cpp': 'the keys of verdicts',
        }
        opens = re.compile(r'(?<![\w.>])open\([\w.()]+, O_|std::[io]fstream\W|directory_iterator\('
                           r'|sqlite3_open|PQconnect\w*Params\(|PQconnectdb\('
                           r'|\b(?:fopen|opendir|openat)\(')
        found = set()
        for path in RUNTIME.rglob('*.cpp'):
            text = path.read_text(encoding='utf-8')
            if opens.search(text) and not re.search(r'\bAllowed(Path|Url)\b', text):
                found.add(str(path.relative_to(RUNTIME)))
        self.assertEqual(found, set(own))
        people = {
            'inner/repl/editing.lua': 'the editor of whoever sits at the prompt',
            'inner/view/pager.lua': 'the pager of whoever sits at the prompt',
        }
        lua = re.compile(r'\bio\.(open|lines|popen)\b|\bos\.execute\b|\b(dofile|loadfile)\b *\(')
        stdlib = harness.ROOT / 'stdlib'
        self.assertEqual({str(path.relative_to(stdlib)) for path in stdlib.rglob('*.lua')
                          if lua.search(path.read_text(encoding='utf-8'))}, set(people))

    def test_local_includes_exist(self):
        wrong = [f'{path} includes {name}' for path, _, name in includes()
                 if name.split('/')[0] in ALLOWED and '/' in name and not (RUNTIME / name).exists()]
        self.assertEqual(wrong, [])


if __name__ == '__main__':
    harness.main()
