"""What a dump with an oplog comes to, read by a job; and what a real server had in the end."""
import gzip
import json
import re
from pathlib import Path

import harness
from harness import lua, lugger

WHOLE = '''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source({place}, {options}),
  into = lugger.target('out.jsonl'),
  columns = {{ {{ 'doc', 'jsonb', from = '*', json = 'canonical', nul = 'replace', utf8 = 'replace' }} }},
}}
'''


class Pairs(list):
    """A document; a list is an array."""


def parse(line):
    def walk(value):
        if isinstance(value, Pairs):
            if len(value) == 1 and value[0][0] == '$numberDouble':
                return ('double', repr(float(value[0][1].replace('Infinity', 'inf'))))
            # What recorded the final states wrote numeric names first, as JavaScript objects have them:
            # so do both sides here.
            numeric = sorted((int(k), k, v) for k, v in value if re.fullmatch(r'0|[1-9]\d{0,8}', k))
            others = [(k, v) for k, v in value if not re.fullmatch(r'0|[1-9]\d{0,8}', k)]
            return ('document', tuple((k, walk(v)) for k, v in [(k, v) for _, k, v in numeric] + others))
        if isinstance(value, list):
            return ('array', tuple(map(walk, value)))
        # as nul = 'replace' has it
        return value.replace('\0', '\ufffd') if isinstance(value, str) else value
    return walk(json.loads(line, object_pairs_hook=Pairs))


def final_documents(path):
    opener = gzip.open if path.suffix == '.gz' else open
    with opener(path, 'rt', encoding='utf-8') as file:
        return sorted(map(repr, map(parse, filter(str.strip, file))))


def read(place, collection, expect=0, jobs=1, input=None, **options):
    """The documents of a collection as a job reads them, and the result of its run."""
    room = Path(harness.scratch())
    text = WHOLE.format(place=lua(str(place)), options=lua({'collection': collection, **options}))
    result = lugger('run', harness.script(text, cwd=room), '-j', jobs, cwd=room, expect=expect, input=input)
    lines = (room / 'out.jsonl').read_text(encoding='utf-8').splitlines() if (
        room / 'out.jsonl').exists() else []
    return sorted(repr(dict(walk_line(line))['doc']) for line in lines), result


def walk_line(line):
    return parse(line)[1]
