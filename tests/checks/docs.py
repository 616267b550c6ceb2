"""Documentation is true: its scripts run, its commands run, its links lead somewhere.

```lua           a whole script: `lugger run` loads it with --create into an empty database
```lua fragment  part of a script: must compile
```lua file      a file that a command of the page reads
```sh run        commands: run in order, in one directory a page, where dump/ is the shop of examples/
```prompt run    lines behind `> `: typed at one prompt
```sh not run: REASON    what cannot be typed here; also of `prompt` and `sql`
```text, toml, yaml      what is shown
Scripts that a block saves under a name say so in its first line: `-- users.lua`. Pages of docs/ speak of the
users.lua that the README begins with.
"""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import harness
from harness import ROOT, lugger
from postgres import Postgres

PAGES = [p for p in [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md')),
                     *sorted((ROOT / 'examples').rglob('*.md'))] if p.exists()]
# Their readers have set nothing yet: what the pages need, they say.
BEGINNINGS = (ROOT / 'README.md', ROOT / 'docs' / 'quick-start.md')
BLOCK = re.compile(r'^```(\w+)([^\n]*)\n(.*?)^```\s*$', re.M | re.S)
LINK = re.compile(r'(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)')


def blocks(page):
    text = page.read_text(encoding='utf-8')
    for match in BLOCK.finditer(text):
        yield text.count('\n', 0, match.start()) + 1, match.group(1), match.group(2).strip(), match.group(3)


def first_script():
    """The users.lua of the README."""
    for _, language, _, text in blocks(ROOT / 'README.md'):
        if language == 'lua' and text.startswith('-- users.lua'):
            return text
    raise AssertionError('the README has no users.lua')


def is_typed(block):
    _, language, kind, _ = block
    return language == 'lua' or language in ('sh', 'prompt') and kind == 'run'


def anchor(title):
    title = re.sub(r'[`*]', '', title.strip().lower())
    return re.sub(r'[^\w\- ]', '', title).replace(' ', '-')


class Docs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def room(self, page, begun=True):
        """A directory as a reader of the page has it, and an empty database; `begun`: named in the
        environment."""
        room = Path(harness.scratch())
        if 'examples' in page.relative_to(ROOT).parts:
            shutil.copytree(page.parent, room, dirs_exist_ok=True)
        for place in ('dump', 'examples/shop/dump'):
            shutil.copytree(ROOT / 'examples' / 'shop' / 'dump', room / place, dirs_exist_ok=True)
        shutil.copy(ROOT / 'examples' / 'shop' / 'oplog.bson', room / 'examples' / 'shop')
        bin_dir = room / '.bin'
        bin_dir.mkdir()
        (bin_dir / 'lugger').symlink_to(harness.binary())
        database = self.server.fresh()
        (room / '.home').mkdir()
        env = {'PATH': f'{bin_dir}:{os.environ["PATH"]}', 'HOME': str(room / '.home')}
        if begun:
            env.update(PG_URI=database.url, MONGO_URI='dump')
            if page.parent.name == 'docs':
                (room / 'users.lua').write_text(first_script(), encoding='utf-8')
        return room, env

    def run_lua(self, page, line, kind, text):
        place = f'{page.relative_to(ROOT)}:{line}'
        room, env = self.room(page)
        if kind.startswith('fragment'):
            for form in (text, f'return {text}', f'return {{ {text} }}'):
                (room / 'fragment.lua').write_text(
                    f'if false then\nlocal function _(...)\n{form}\nend\nend\n', encoding='utf-8')
                result = lugger('run', 'fragment.lua', cwd=room, env=env, expect=None)
                if result.status == 0:
                    return
            self.fail(f'{place}: does not compile\n{result!r}')
        (room / 'block.lua').write_text(text, encoding='utf-8')
        result = lugger('run', 'block.lua', '--create', cwd=room, env=env, expect=None)
        self.assertIn(result.status, (0, 3), f'{place}\n{result!r}')

    def test_lua_blocks(self):
        for page in PAGES:
            for line, language, kind, text in blocks(page):
                if language == 'lua' and kind != 'file':
                    with self.subTest(page=page.name, line=line):
                        self.run_lua(page, line, kind, text)

    def test_c16_each_block_says_what_it_is(self):
        for page in PAGES:
            text = page.read_text(encoding='utf-8')
            plain = len(re.findall(r'^```', text, re.M)) - 2 * len(list(blocks(page)))
            with self.subTest(page=page.name):
                self.assertEqual(plain, 0, 'a block without a language')
                for line, language, kind, _ in blocks(page):
                    known = {'lua': ('', 'fragment', 'file'), 'text': ('', ), 'toml': ('', ), 'yaml': ('', )}
                    fits = kind in known[language] if language in known else \
                        language in ('sh', 'prompt', 'sql') and re.fullmatch(r'run|not run: \S.*', kind)
                    self.assertTrue(fits, f'{page.name}:{line}: ```{language} {kind}')

    def test_commands(self):
        for page in PAGES:
            found = list(filter(is_typed, blocks(page)))
            if not any(block[1] != 'lua' for block in found):
                continue
            room, env = self.room(page, page not in BEGINNINGS)
            exports, typed = '', ''
            for line, language, _, text in found:
                name = re.match(r'-- ([\w./-]+\.lua)\b', text)
                if language == 'lua':
                    if name:
                        (room / name.group(1)).parent.mkdir(parents=True, exist_ok=True)
                        (room / name.group(1)).write_text(text, encoding='utf-8')
                    continue
                if language == 'prompt':
                    typed += ''.join(f'{one}\n' for one in re.findall(r'^> (.*)$', text, re.M))
                    continue
                with self.subTest(page=page.name, line=line):
                    done = subprocess.run(['bash', '-euo', 'pipefail', '-c', exports + text], cwd=room,
                                          env=harness.clean_environment(env),
                                          capture_output=True, text=True, timeout=120)
                    self.assertIn(done.returncode, (0, 3),
                                  f'{page.name}:{line}\n{text}\n{done.stdout}\n{done.stderr}')
                    exports += ''.join(f'{one}\n' for one in re.findall(r'^export .*$', text, re.M))
            if typed:
                with self.subTest(page=page.name, prompt=True):
                    done = lugger('repl', cwd=room, env=env, input=typed)
                    self.assertNotRegex(done.err, r'(?m)^error: ', typed)

    def test_links(self):
        broken = []
        for page in PAGES:
            for target in LINK.findall(BLOCK.sub('', page.read_text(encoding='utf-8'))):
                if re.match(r'[a-z]+:', target):
                    continue
                path, _, part = target.partition('#')
                file = (page.parent / path).resolve() if path else page
                if not file.exists():
                    broken.append(f'{page.name}: {target}')
                elif part and file.suffix == '.md':
                    titles = re.findall(r'^#+ (.*)$', file.read_text(encoding='utf-8'), re.M)
                    if part not in map(anchor, titles):
                        broken.append(f'{page.name}: {target}')
        self.assertEqual(broken, [])


if __name__ == '__main__':
    harness.main()
