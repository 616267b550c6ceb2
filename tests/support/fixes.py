"""Fixes for tests: a table of customers, a script from a few words, lugger run on both."""
import json
import subprocess
import time

from harness import lua
from jobs import Work

CUSTOMERS = """
create table customers (id int primary key, name text not null, phone text, city text);
insert into customers select i, 'n' || i, case when i % 2 = 0 then '00' || i else '+' || i end, 'c' || i % 3
from generate_series(1, {rows}) i;
"""
PLUS = "function(row) row.phone = row.phone:gsub('^00', '+') end"


def fix(set_=('phone',), map_=PLUS, where="phone like '00%'", table='customers', key='id', extra=''):
    """Text of a script with one fix."""
    condition = f'where = {lua(where)},' if where else ''
    keys = f', key = {lua(key)}' if key else ''
    return f'''
local lugger = require 'lugger'
return lugger.fix {{
  on = lugger.target(lugger.env.PG_URI, {{ table = {lua(table)}{keys} }}),
  {condition} set = {lua(list(set_))},
  map = {map_},
  {extra}
}}
'''


class FixWork(Work):
    """A directory with a fix, and a database with customers."""

    def __init__(self, server, rows=0, sql='', **script):
        super().__init__(server.fresh(), text=fix(**script))
        if rows:
            self.database.query(CUSTOMERS.format(rows=rows))
        if sql:
            self.database.query(sql)

    def report(self, *flags, expect=0):
        return json.loads(self.run('--json', *flags, expect=expect).out)

    def apply(self, *flags, expect=0):
        return self.report('--apply', *flags, expect=expect)

    def undo(self, run, *flags, expect=0):
        return json.loads(self.lugger('undo', run, '--json', *flags, expect=expect).out)

    def values(self, sql):
        return self.database.query(sql)


class Session:
    """A psql that stays open, for what another session does meanwhile."""

    def __init__(self, database):
        self.process = subprocess.Popen(['psql', '-XAtq', '-d', database.url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, sql):
        """What it prints; it has done it when this returns."""
        self.process.stdin.write(sql + ';\n\\echo ----\n')
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.strip() == '----':
                return '\n'.join(lines)
            lines.append(line.rstrip('\n'))
        raise AssertionError('psql ended: ' + '\n'.join(lines))

    def start(self, sql):
        """Does not wait: for what blocks."""
        self.process.stdin.write(sql + ';\n')
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def until(condition, what, seconds=60):
    """Waits for something that comes true by itself; the answer of the condition."""
    for _ in range(int(seconds / 0.05)):
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f'never came true: {what}')
