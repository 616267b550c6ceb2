"""What tests of a move are made of: an application that writes all the while, `lugger move` as a process,
and a model that compares PostgreSQL with the server."""
import json
import random
import signal
import threading
import time

import bson
from harness import lua
from jobs import Work
from mongo_servers import wait_for
from mongo_wire import CommandError

COLUMNS = "{ 'mongo_id', 'text', from = '_id' }, { 'k', 'text' }, { 'n', 'int8' }, { 'pad', 'text' }"
TAGS = "children = { { table = 'docs_tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },"
SLOW = 'throttle = { rows_per_s = %d },'
BULK = 'z' * 8000   # a speed is kept between units, which are of so many bytes: so that a copy has some
KINDS = [
    lambda i: bson.ObjectId(f'{i:024x}'), lambda i: f's{i}', lambda i: f'ü "{i}"', bson.Int32,
    lambda i: bson.Int64(i << 33), lambda i: i + 0.5, bson.Date, lambda i: {'a': bson.Int32(i), 'b': 'x'},
    lambda i: bson.Binary(i.to_bytes(16, 'big'), 4), lambda i: bson.Timestamp(i + 1, 1),
    lambda i: bson.Decimal128(f'{i}.25'), lambda i: 's' * 400 + str(i),
]


def id_of(i):
    """The same number has always the same _id; all types take turns."""
    return KINDS[i % len(KINDS)](i)


def copy(collection='shop.docs', table='docs', conflict='update', columns=COLUMNS, extra=TAGS, more=''):
    """One job of a move."""
    return f'''lugger.copy {{
      from = lugger.source(lugger.env.MONGO_URI, {{ collection = {lua(collection)} }}),
      into = lugger.target(lugger.env.PG_URI, {{ table = {lua(table)}, key = 'mongo_id',
        on_conflict = {lua(conflict)}, {more} }}),
      columns = {{ {columns} }}, unmapped = 'ignore', {extra}
    }}'''


def script(*jobs):
    return "local lugger = require 'lugger'\nreturn lugger.move { jobs = { %s } }\n" % ', '.join(jobs)


class Writer(threading.Thread):
    """Inserts, changes, replaces, deletes and inserts again, alone and in transactions. What fails while
    the server is away is left out: the server has the truth."""
    longest = 6     # of a transaction: fewer commands than that

    def __init__(self, server, seed, count=300, pause=0.004, name='docs'):
        super().__init__(daemon=True)
        self.server, self.random, self.pause, self.name = server, random.Random(seed), pause, name
        self.count, self.done, self.ending = count, 0, threading.Event()

    def document(self, i):
        text = self.random.choice(['a', 'ü', "it's", '\\.', 'x\ty'])
        return {'_id': id_of(i), 'k': str(i), 'n': bson.Int32(self.random.randrange(10 ** 6)),
                'pad': text * self.random.randrange(40), 'tags': self.tags(), 'bulk': BULK}

    def tags(self):
        return [f't{self.random.randrange(9)}' for _ in range(self.random.randrange(5))]

    def fill(self):
        with self.server.client() as client:
            for at in range(0, self.count, 1000):
                some = range(at, min(at + 1000, self.count))
                client.insert(f'shop.{self.name}', *(self.document(i) for i in some))
        return self

    def command(self):
        """A random change of one document."""
        pick = self.random
        i = pick.randrange(self.count + self.count // 4)
        what = pick.choice(['set', 'set', 'tags', 'pull', 'replace', 'delete', 'insert', 'insert'])
        if what == 'insert':
            return {'insert': self.name, 'documents': [self.document(i)]}
        if what == 'delete':
            return {'delete': self.name, 'deletes': [{'q': {'_id': id_of(i)}, 'limit': 1}]}
        fields = {'n': bson.Int32(pick.randrange(10 ** 6)), 'pad': 'y' * pick.randrange(50)}
        change = {'set': {'$set': fields}, 'tags': {'$push': {'tags': f'p{pick.randrange(9)}'}},
                  'pull': {'$set': {'tags': self.tags()}},
                  'replace': self.document(i)}[what]
        return {'update': self.name, 'updates': [{'q': {'_id': id_of(i)}, 'u': change,
                                                  'upsert': what == 'replace' and pick.random() < 0.3}]}

    def run(self):
        with self.server.client() as client:
            while not self.ending.wait(self.pause * self.random.random() * 2):
                self.write(client)

    def write(self, client):
        try:
            if self.random.random() < 0.1:
                commands = [self.command() for _ in range(self.random.randrange(2, self.longest))]
                client.transaction('shop', commands, self.random.random() < 0.8)
            else:
                client.command('shop', self.command())
            self.done += 1
        except CommandError:
            pass    # the key is there already, or the server steps down
        except OSError:
            client.close()
            time.sleep(0.02)

    def finish(self):
        self.ending.set()
        self.join(30)


class Move:
    """A scratch directory with a script, a database, and `lugger move` as a process in it."""

    def __init__(self, postgres, url, text, name='docs'):
        self.work = Work(postgres.fresh(), text=text)
        self.work.source, self.database, self.name = url, self.work.database, name
        self.process, self.said, self.readers = None, {}, []
        self.file, self.marks = 'job.lua', 0

    def start(self, *flags, command='move'):
        flags = ('--create', *flags) if command == 'move' else flags
        self.process = self.work.start(command, self.file, *flags)
        self.said = {'out': [], 'err': []}
        self.readers = [threading.Thread(target=self._read, args=one, daemon=True) for one in (
            (self.process.stdout, self.said['out']), (self.process.stderr, self.said['err']))]
        for one in self.readers:
            one.start()
        return self

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)

    @property
    def told(self):
        return ''.join(self.said['err'] + self.said['out'])

    def wait_to_say(self, words, seconds=40):
        wait_for(lambda: words in self.told or self.process.poll() is not None, words, seconds)
        if words not in self.told:
            raise AssertionError(f'"{words}" was not said:\n{self.told}')
        return self

    def end(self, how=signal.SIGINT, expect=130):
        """Signals it, and waits until it has ended."""
        self.process.send_signal(how)
        return self.ended(expect)

    def ended(self, expect=1, seconds=60):
        status = self.process.wait(seconds)
        for one in self.readers:
            one.join(10)
        if status != expect:
            raise AssertionError(f'exit status {status} instead of {expect}:\n{self.told}')
        return self.told

    def is_copying(self):
        return self.number('select count(*) from lugger.partitions where read > 0') > 0

    def follows(self, jobs=1):
        """True when what was spooled is settled, in this process."""
        return self.number(
            "select count(*) from lugger.runs r join lugger.partitions p using (run) where r.mode = 'follow' "
            "and r.status = 'running' and p.partition = 'settle' and p.done") >= jobs

    def number(self, sql):
        return int(self.database.query(sql, check=False) or 0)

    def wait_for(self, condition, what, seconds=40):
        def look():
            if self.process.poll() is not None:
                raise AssertionError(f'it ended with {self.process.returncode} before {what}:\n{self.told}')
            return condition()
        try:
            return wait_for(look, what, seconds)
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.told}') from None

    def follow(self, jobs=1, seconds=40):
        self.wait_for(lambda: self.follows(jobs), 'the changes were applied', seconds)
        return self

    # The two sides
    def rows(self):
        found = self.database.query(
            f'select coalesce(json_agg(json_build_array(k, n, pad, (select coalesce(json_agg(tag order by '
            f"ordinal), '[]') from {self.name}_tags t where t.parent_mongo_id = d.mongo_id))), '[]') "
            f'from {self.name} d')
        return keyed([(k, n, pad, tags) for k, n, pad, tags in json.loads(found)])

    def documents(self, server):
        with server.client() as client:
            found = client.find(f'shop.{self.name}')
        return keyed([(d['k'], d.get('n'), d.get('pad'), d.get('tags', [])) for d in found])

    def settle(self, server, seconds=30):
        """Waits until a change that is made now is applied: so is each one that was made before it."""
        self.marks += 1
        word, n = f'mark {self.marks}', bson.Int32(-self.marks)
        mark = {'_id': word, 'k': word, 'n': n, 'pad': word, 'tags': []}
        with server.client() as client:
            wait_for(lambda: client.insert(f'shop.{self.name}', mark), 'a write')
        self.wait_for(lambda: self.number(f"select count(*) from {self.name} where k = '{mark['k']}'"),
                      'the last change was applied', seconds)

    def assert_equal(self, server, seconds=30, books=True):
        """Once what was changed is applied, both sides have the same, and the books say how."""
        self.settle(server, seconds)
        ours, theirs = self.rows(), self.documents(server)
        wrong = {k: (ours.get(k), theirs.get(k)) for k in {*ours, *theirs} if ours.get(k) != theirs.get(k)}
        if wrong:
            some = '\n'.join(f'{k}: {one[0]} here, {one[1]} there' for k, one in list(wrong.items())[:5])
            raise AssertionError(f'{len(wrong)} of {len(theirs)} documents differ:\n{some}\n{self.told}')
        if books:
            self.assert_books()

    def assert_books(self):
        parts = 'inserted + updated + unchanged + skipped + rejected + suppressed + deleted'
        if bad := self.database.query(f'select * from lugger.partitions where read <> {parts}'):
            raise AssertionError(f'the books do not balance: {bad}')
        net = self.number(f"select sum(inserted) - sum(deleted) from lugger.partitions p join lugger.runs r "
                          f"using (run) where r.job like '%{self.name}%'")
        there = self.number(f'select count(*) from {self.name}')
        if net != there:
            raise AssertionError(f'the books say {net} rows, and there are {there}')


def keyed(rows):
    found = {row[0]: row[1:] for row in rows}
    if len(found) != len(rows):
        raise AssertionError('a document is there twice')
    return found
