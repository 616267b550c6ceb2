"""docs/api.md and docs/api-inner.md are what tools/apidoc makes of stdlib/, stdlib/meta/records.lua what
bindings/ declares,
and every public function there says what it takes and gives."""
import re
import unittest

import harness
from harness import ROOT, lugger

STDLIB = ROOT / 'stdlib'
DEFINED = re.compile(r'^function\s+([\w.]+[.:]\w+)\s*\(([^)]*)\)|^([\w.]+\.\w+)\s*=\s*function\s*\(([^)]*)\)',
                     re.M)


def public_functions(text):
    """Name, arguments and the comment lines above of every function that hangs in a table."""
    lines = text.split('\n')
    for number, line in enumerate(lines):
        found = DEFINED.match(line)
        if not found:
            continue
        name = found.group(1) or found.group(3)
        arguments = [a.strip() for a in (found.group(2) or found.group(4) or '').split(',') if a.strip()]
        above = []
        for before in reversed(lines[:number]):
            if not before.startswith('---'):
                break
            above.insert(0, before)
        yield name, arguments, above, number + 1


def gives_something(lines, number):
    """Whether the function that begins in this line returns a value of its own."""
    for line in lines[number:]:
        if line.startswith('end'):
            return False
        if re.match(r'^  return\s+[^\s]', line):
            return True
    return False


class ApiDoc(unittest.TestCase):
    def test_page_is_what_the_sources_say(self):
        for book, page in (([], 'api.md'), (['--inner'], 'api-inner.md')):
            lugger('--stdlib', STDLIB, '--lua', ROOT / 'tools' / 'apidoc', *book,
                   '--check', ROOT / 'docs' / page)

    def test_public_and_inner_are_apart(self):
        public, inner = (
            set(re.findall(r'^### (\S+)', (ROOT / 'docs' / page).read_text(encoding='utf-8'), re.M))
            for page in ('api.md', 'api-inner.md'))
        self.assertEqual(public & inner, set())
        self.assertEqual([name for name in public if '.native.' in name or '.inner.' in name], [])
        for name in ('lugger.copy', 'lugger.job:run', 'lugger.doc:with', 'lugger.db:each', 'lugger.copy_spec',
                     'lugger.column', 'lugger.decimal', 'lugger.query:limit', 'lugger.schema.backfill'):
            self.assertIn(name, public)
        for name in ('lugger.native.job:start', 'lugger.census_path', 'lugger.prompt_pg.new',
                     'lugger.job:handle'):
            self.assertIn(name, inner)

    def test_fields_of_one_file_are_in_no_page(self):
        held = re.findall(r'^---@field package (\w+)',
                          (STDLIB / 'inner' / 'job' / 'find.lua').read_text(encoding='utf-8'), re.M)
        self.assertIn('predicates', held)
        for page in ('api.md', 'api-inner.md'):
            text = (ROOT / 'docs' / page).read_text(encoding='utf-8')
            self.assertNotIn('| `package`', text)
            self.assertNotIn('| `predicates`', text)

    def test_option_tables_have_a_field_for_each_key(self):
        """What stdlib/meta/specs.lua says of sources, targets, jobs and columns is what they take."""
        script = harness.script("""
            local help, native = require 'lugger.inner.cli.help', require 'lugger.native'
            local lugger = require 'lugger'
            local function check(class, names)
              local known = {}
              for _, field in ipairs(help.fields(class)) do known[field.name] = true end
              for _, name in ipairs(names) do
                if not known[name] then print(class, name) end
              end
            end
            local function options(list)
              local names = {}
              for i, option in ipairs(list) do names[i] = option.name end
              return names
            end
            for _, place in ipairs { 'x.bson', 'postgresql://host/db' } do
              check('lugger.source_options', options(native.source_options(place)))
            end
            for _, place in ipairs { 'x.jsonl', 'postgresql://host/db' } do
              check('lugger.target_options', options(native.target_options(place)))
            end
            local function keys_of(spec)
              spec.from, spec.into = lugger.source 'x.json', lugger.target('x.jsonl', { table = 'x' })
              local _, err = pcall(function() return lugger.copy(spec):plan() end)
              local names = {}
              for name in (err.hint:match '^it has (.*)$' or error(err)):gmatch '[%w_]+' do
                if name ~= 'name' and name ~= 'type' then names[#names + 1] = name end
              end
              return names
            end
            local odd = 'qqqqqqqqqqqqqqqqq'
            check('lugger.copy_spec', keys_of { columns = 'auto', [odd] = 1 })
            check('lugger.column', keys_of { columns = { { 'a', 'text', [odd] = 1 } } })
            check('lugger.index_spec',
              keys_of { columns = { { 'a', 'text' } }, indexes = { { 'a', [odd] = 1 } } })
            """)
        self.assertEqual(lugger('--stdlib', STDLIB, '--lua', script).out, '')

    def test_every_public_function_is_in_the_manual(self):
        """In a page that tells what it is for: docs/lua.md, or the page of its subject."""
        api = (ROOT / 'docs' / 'api.md').read_text(encoding='utf-8')
        functions = re.findall(r'^### (\S+)\n```text', api, re.M)
        self.assertGreater(len(functions), 100)
        pages = ''.join(page.read_text(encoding='utf-8') for page in sorted((ROOT / 'docs').glob('*.md'))
                        if page.name not in ('api.md', 'api-inner.md', 'decisions.md', 'internals.md'))
        words = set(re.findall(r'\w+', pages))
        self.assertEqual([name for name in functions if re.split('[.:]', name)[-1] not in words], [])

    def test_annotations_of_records_are_what_bindings_declare(self):
        lugger('--lua', ROOT / 'tools' / 'records', '--check', STDLIB / 'meta' / 'records.lua')

    def test_classes_of_records_are_all_declared(self):
        defined = {name for file in STDLIB.rglob('*.lua')
                   for name in re.findall(r'^---@class\s+([\w.]+)', file.read_text(encoding='utf-8'), re.M)}
        types = re.findall(r'^---@field \S+ (\S+)',
                           (STDLIB / 'meta' / 'records.lua').read_text(encoding='utf-8'), re.M)
        named = {name for text in types for name in re.findall(r'\blugger\.\w+', text)}
        self.assertEqual(sorted(named - defined), [])

    def test_public_functions_are_annotated(self):
        wrong = []
        for file in [STDLIB / 'lugger.lua', *sorted((STDLIB / 'lugger').rglob('*.lua')),
                     *sorted((STDLIB / 'inner').rglob('*.lua'))]:
            text = file.read_text(encoding='utf-8')
            for name, arguments, above, number in public_functions(text):
                place = f'{file.relative_to(ROOT)}:{number}: {name}'
                if name.startswith('_G.') or re.search(r'[.:]__\w+$',
                                                       name) or any('@private' in line for line in above):
                    continue
                if not any(re.match(r'^---\s*[^@\s]', line) for line in above):
                    wrong.append(f'{place} says not what it does')
                for argument in arguments:
                    if not any(re.match(rf'^---\s?@param\s+{re.escape(argument)}\??\s', line)
                               for line in above):
                        wrong.append(f'{place} says nothing of {argument}')
                if gives_something(text.split('\n'), number) and not any('@return' in line for line in above):
                    wrong.append(f'{place} says not what it returns')
        self.assertEqual(wrong, [], '\n'.join(wrong))


if __name__ == '__main__':
    harness.main()
