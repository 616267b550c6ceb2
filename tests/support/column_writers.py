"""Sessions that write to a table of vectors while its column changes, and a model of what it must hold."""
import random
import threading

from sessions import Session


def literal(vector):
    return 'null' if vector is None else "'[" + ','.join(map(repr, vector)) + "]'"


class Writer(threading.Thread):
    """Rows with ids n * 100000 and up are its own; `rows`: id -> (title, vector), as committed."""

    def __init__(self, database, number):
        super().__init__(daemon=True)
        self.chosen = random.Random(number)
        self.session, self.first = Session(database), number * 100000
        self.rows, self.next, self.stop, self.said, self.count = {}, self.first, False, '', 0

    def vector(self):
        """Elements that float16 holds exactly."""
        return None if self.chosen.random() < 0.1 else [self.chosen.randrange(-64, 64) / 8 for _ in range(3)]

    def statement(self, rows):
        """One random write: its SQL, done in `rows` too."""
        kind = self.chosen.choice(('insert', 'insert', 'update', 'title', 'key', 'delete'))
        if kind == 'insert' or not rows:
            self.next += 1
            rows[self.next] = (f't{self.next}', self.vector())
            return (f"insert into docs (id, title, embedding) values ({self.next}, 't{self.next}', "
                    f'{literal(rows[self.next][1])})')
        one = self.chosen.choice(sorted(rows))
        if kind == 'delete':
            del rows[one]
            return f'delete from docs where id = {one}'
        if kind == 'key':
            self.next += 1
            rows[self.next] = rows.pop(one)
            return f'update docs set id = {self.next} where id = {one}'
        title, vector = rows[one]
        if kind == 'title':
            rows[one] = (f'{title[:20]}!', vector)
            return f"update docs set title = '{title[:20]}!' where id = {one}"
        rows[one] = (title, self.vector())
        return f'update docs set embedding = {literal(rows[one][1])} where id = {one}'

    def run(self):
        while not self.stop and not self.said:
            rows = dict(self.rows)
            statements = [self.statement(rows) for _ in range(self.chosen.randrange(1, 6))]
            kept = self.chosen.random() < 0.8
            self.said = self.session.run('begin; ' + '; '.join(statements) + (
                '; commit' if kept else '; rollback'))
            if kept:
                self.rows = rows
            self.count += 1
        self.session.close()


class Writers:
    def __init__(self, database, many=4, first=1):
        self.threads = [Writer(database, number) for number in range(first, first + many)]
        for thread in self.threads:
            thread.start()

    def end(self):
        """Stops them. What servers said (nothing, when no write was refused), and the rows they wrote."""
        rows = {}
        for thread in self.threads:
            thread.stop = True
        for thread in self.threads:
            thread.join(60)
            rows.update(thread.rows)
        return ''.join(thread.said for thread in self.threads), rows


def held(database, numbers):
    """The rows that these writers may have written, as they are."""
    rows = {}
    for key, title, vector in database.rows('select id, title, embedding from docs where id / 100000 '
                                            f'between {numbers[0]} and {numbers[-1]}'):
        numbers_of = None if vector == '\\N' else [float(one) for one in vector[1:-1].split(',')]
        rows[int(key)] = (title, numbers_of)
    return rows
