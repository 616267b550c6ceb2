"""Jobs for tests: a script from a few words, documents as files."""
import os
import shutil
from pathlib import Path

import bson
import harness
from harness import lua, lugger

ID = "{ 'mongo_id', 'text', from = '_id' }"


def job(columns, source=None, collection='shop.docs', table='docs', key='mongo_id', conflict='skip',
        target_options='', extra=''):
    """Text of a script with one job. `columns` is Lua text; the mongo_id column is put in front."""
    where = lua(str(source)) if source else 'lugger.env.MONGO_URI'
    options = f'collection = {lua(collection)}' if collection else ''
    named = '' if 'route = {' in extra else f'table = {lua(table)},'  # a route names the tables
    keys = f'key = {lua(key)}, on_conflict = {lua(conflict)},' if key else ''
    return f'''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source({where}, {{ {options} }}),
  into = lugger.target(lugger.env.PG_URI, {{ {named} {keys} {target_options} }}),
  columns = {{ {ID}, {columns} }},
  {extra}
}}
'''


class Work:
    """A scratch directory with a job and a database: what most tests need."""

    def __init__(self, database, documents=None, text=None, source='docs.bson'):
        self.directory = Path(harness.scratch())
        self.database = database
        self.source = self.directory / source
        if documents is not None:
            self.documents(documents)
        if text is not None:
            self.script(text)

    def documents(self, documents):
        bson.write(self.source, documents)

    def script(self, text, name='job.lua'):
        (self.directory / name).write_text(text, encoding='utf-8')

    @property
    def env(self):
        return {'PG_URI': self.database.url, 'MONGO_URI': str(self.source)}

    def lugger(self, *args, expect=0, env=None, **more):
        return lugger(*args, cwd=self.directory, env={**self.env, **(env or {})}, expect=expect, **more)

    def run(self, *flags, expect=0, script='job.lua', **more):
        return self.lugger('run', script, *flags, expect=expect, **more)

    def start(self, *args):
        return harness.start(*args, cwd=self.directory, env=self.env)


def load(database, documents, columns, expect=0, flags=('--create',), **more):
    """Documents through a job with these columns into table docs; the result of the run."""
    work = Work(database, documents, job(columns, **more))
    return work.run(*flags, expect=expect)


def dump(directory, database, collections):
    """Writes a dump directory: {'users': [documents]} or raw bytes."""
    folder = Path(directory) / 'dump' / database
    folder.mkdir(parents=True, exist_ok=True)
    for name, documents in collections.items():
        bson.write(folder / f'{name}.bson', documents)
    return folder.parent


def copy_data(name, directory):
    """A part of tests/data as a test may change it."""
    source, target = harness.DATA / name, Path(directory) / Path(name).name
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    os.chmod(target, 0o755)
    return target
