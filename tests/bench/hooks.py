"""What a `map` costs: five kinds of hooks, converted by one worker and written nowhere."""
import harness
from measure import run

# what the table calls it; the hook; rows a second that are asked
HOOKS = {
    'text': ('reads a text and writes one', 'function(row) row.email = row.name end', None),
    'number': ('adds to a number', 'function(row) row.logins = row.logins + 1 end', 400_000),
    'nested': ('reads four nested fields, one by its path', '''function(row, doc)
      local meta = doc.metadata
      if meta.city == 'Paris' then return lugger.skip 'Paris' end
      row.logins, row.plan = meta.logins + 1, meta.plan
      row.name = doc:get 'metadata.tags.1'
    end''', 400_000),
    'decimal': ('computes with a decimal', 'function(row) row.score = row.score * 2 + 1 end', 400_000),
    'document': ('builds a document of five fields', '''function(row, doc)
      row.metadata = { plan = row.plan, logins = row.logins, tags = { 'a', 'b' },
        city = doc.metadata.city, ok = true }
    end''', 200_000),
}
SCRIPT = '''local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source(lugger.env.MONGO_URI, {{ collection = 'shop.users' }}),
  into = lugger.target 'out.jsonl',
  columns = {{
    {{ 'mongo_id', 'text', from = '_id' }}, {{ 'email', 'text' }}, {{ 'name', 'text' }},
    {{ 'plan', 'text', from = 'metadata.plan' }}, {{ 'logins', 'int8', from = 'metadata.logins' }},
    {{ 'score', 'numeric', from = 'metadata.score' }}, {{ 'metadata', 'jsonb' }},
  }},
  unmapped = 'ignore',
  {map}
}}
'''


class Hooks:
    def __init__(self, bench):
        self.series, self.directory, self.source = bench.series, bench.directory, bench.data / 'users.bson'
        for name, (_, hook, _) in {'none': ('', None, None), **HOOKS}.items():
            self.path(name).write_text(SCRIPT.format(map=f'map = {hook},' if hook else ''), encoding='utf-8')

    def path(self, name):
        return self.directory / f'hook-{name}.lua'

    def round(self):
        env = harness.clean_environment({'MONGO_URI': str(self.source)})
        for name in ('none', *HOOKS):
            command = [harness.binary(), 'run', self.path(name), '-j', '1', '--dry-run', '--log', 'none']
            self.series.add(f'hook {name}', run(command, env, self.directory))


def rows(series, count, figure_row):
    """CPU of the whole run, reading included."""
    out = []
    for name, (what, _, asked) in {'none': ('', None, None), **HOOKS}.items():
        rate = count / series.cpu(f'hook {name}')
        hook = f'conversion with a `map` that {what}' if what else 'conversion of seven columns, no `map`'
        row = figure_row(f'{hook}: rows a second, a core', rate, f'{rate:,.0f}', asked or 0,
                         f'at least {asked:,}' if asked else '', least=True)
        out.append(row if asked else [*row[:5], ''])
    return out
