"""Changes behind the program's back: the same to the model's tables and to the server's."""
from coerce import bits
from render import quoted
from values import last_of_equal

# What a changed column gets: SQL, and what it is in the model.
OTHER = {
    'text': ("'changed by hand'", 'changed by hand'), 'int4': ('-77', -77), 'int8': ('-77', -77),
    'numeric': ('-77.5', -77.5),
    'float8': ('-77.5', bits(-77.5)), 'bool': ('true', True),
    'timestamptz': ("'2001-02-03 04:05:06Z'", 981_173_106_000_000),
    'uuid': ("'ffffffff-0000-0000-0000-000000000000'", 'ffffffff-0000-0000-0000-000000000000'),
    'jsonb': ("'[\"changed by hand\"]'", last_of_equal(['changed by hand'])),
}


def literal(value):
    return 'null' if value is None else str(value) if isinstance(value, int) else "'" + value.replace(
        "'", "''") + "'"


def new_key(kind, number):
    return f'extra {number}' if kind == 'text' else f'00000000-0000-0000-0000-{number:012x}'


class Mutation:
    """A few changes of one case; `sql` makes them. `cascade`: child rows go with their row, and none
    is without."""

    def __init__(self, rng, model, types, cascade):
        self.rng, self.model, self.types, self.cascade = rng, model, types, cascade
        self.sql = []
        for name, table in model.tables.items():
            # Rows that nothing tells apart are left alone.
            for number in range(rng.choice((0, 0, 1, 2, 5))):
                if table.rows and table.key:
                    change = rng.choice((self.change, self.change, self.remove, self.add))
                    change(name, table, rng.choice(sorted(table.rows)), number)

    def where(self, table, key):
        return ' and '.join(f'{quoted(c)} = {literal(v)}' for c, v in zip(table.key, key))

    def change(self, name, table, key, _number):
        free = [i for i, c in enumerate(table.columns) if c not in table.key and c not in ('ver', 'id')]
        if free:
            at = self.rng.choice(free)
            column, kind = self.types[name][at]
            text, value = OTHER[kind]
            table.rows[key] = table.rows[key][:at] + (value,) + table.rows[key][at + 1:]
            self.sql.append(f'update {quoted(name)} set {quoted(column)} = {text} '
                            f'where {self.where(table, key)};')

    def remove(self, name, table, key, _number):
        del table.rows[key]
        if self.cascade:
            for other in map(self.model.tables.get, self.model.job.below(name)):
                for place in [p for p in other.rows if p[:len(key)] == key]:
                    del other.rows[place]
        self.sql.append(f'delete from {quoted(name)} where {self.where(table, key)};')

    def add(self, name, table, key, number):
        """A row like another one, under a key of its own: of the document's own table, or one more
        child row."""
        types = dict(self.types[name])
        fresh = [new_key(types[table.key[0]], number), *key[1:]]
        if name not in self.model.job.tables:
            fresh[-1] = 1000 + number
            if self.cascade or self.rng.random() < 0.7:
                fresh[0] = key[0]
        fresh = tuple(fresh)
        if fresh not in table.rows:
            at = {table.columns.index(c): v for c, v in zip(table.key, fresh)}
            if 'id' in table.columns and 'id' not in table.key:
                at[table.columns.index('id')] = new_key('uuid', number)
            table.rows[fresh] = tuple(at.get(i, v) for i, v in enumerate(table.rows[key]))
            chosen = ', '.join(literal(at[i]) if i in at else quoted(c) for i, c in enumerate(table.columns))
            self.sql.append(f"insert into {quoted(name)} ({', '.join(map(quoted, table.columns))}) "
                            f"select {chosen} from {quoted(name)}"
                            f' where {self.where(table, key)};')
