"""help() of names and of values of every kind; :apropos."""
import harness
import project


class Help(project.Case):
    def answers(self, *lines):
        """What the prompt shows for each line."""
        script = "".join(f"print '<<{i}>>'\n{line}\n" for i, line in enumerate(lines))
        done = self.lugger("repl", stdin=script, status=0)
        self.assertEqual(done.err, "")
        parts = done.out.split("<<")[1:]
        return [part.split(">>\n", 1)[1] for part in parts]

    def test_e15_help_of_values_of_every_kind(self):
        self.write("users.json", '{"_id": 1}\n')
        wanted = {
            "doc": ":with(changes)",
            "decimal '1'": "a + b, b: lugger.decimal|number  -> lugger.decimal",
            "date '2020-01-01'": "weekday: integer",
            "now()": ":trunc(unit)",
            "uuid()": "A UUID",
            "objectid '64f1c0aabbccddeeff001122'": ":time()",
            "binary 'x'": ":hex()",
            "double(3)": "a * b",
            "int64 '9007199254740993'": "64-bit integer",
            "5LL": "64-bit integer",
            "vector { 1, 2 }": ":totable()",
            "coercer('time'):coerce '09:30'": ":kind()", "interval '1 day'": ':epoch()',
            "json.decode '{\"a\": 1}'": ":get(path)",
            "json.decode '[1]'": ":get(path)",
            "source('users.json'):find():first()": ":copy()",
            "document { a = 1 }": "a document of lugger.document",
            "array { 1 }": "an array of lugger.array",
            "null": "null in a document",
            "remove": "removes a field",
            "env": "Variables by name",
            "lugger": "lugger.copy(spec)",
            "json": "lugger.json.decode(text, style)",
            "lugger.vector": "A vector of float32",
            "require 'lugger.vector'": "lugger.vector.cosine(a, b)",
            "require 'lugger.test'": "lugger.test.case(name, body)",
            "require 'lugger.schema'": "lugger.schema.add_column(",
            "require('lugger.vector').dot": "The dot product.",
            "require('lugger.schema').backfill": "lugger.schema.backfill(db, spec)",
            "coercer 'text'": ":try_coerce(v)",
            "source 'users.json'": ":describe(limit)",
            "source('users.json'):find()": ":project(fields)",
            "source('users.json'):cursor()": ":next()",
            "source('users.json'):cursor():next()": ":vectors(path)",
            "source('users.json'):describe()": "lugger.description",
            "target('local:', { table = 'x' })": ":state()",
            "copy { from = source 'users.json', into = target('local:', { table = 'x' }), columns = 'auto' }":
                ":preview(documents)",
            "pg": ":transaction(work)",
            "session 'local:'": ":each(sql, ...)",
            "source('users.json').find": "find(filter)",
            "copy": "on_conflict",
            "help": "help(copy)",
            "print": "Lua 5.1",
            "string.format": "string.format",
            "string": "gsub",
            "require": "function(name)",
            "function(a, b, ...) end": "function(a, b, ...), defined at prompt:1",
            "{}": "a table",
            "{ 1, 2, size = 5, f = print }": "2 elements, with the keys f, size",
            "5": "2^53",
            "nil": "no value",
            "true": "true or false",
            "io.stdout": "flush",
            "coroutine.create(print)": "coroutine",
            "setmetatable({}, { __index = function(t) return t end })": "a table",
            "setmetatable({}, { __index = error, __tostring = error, __call = error, __len = error })":
                "a table",
            "setmetatable({}, { __metatable = false })": "a table",
        }
        shown = self.answers(*(f"help({value})" for value in wanted))
        for (value, part), text in zip(wanted.items(), shown):
            with self.subTest(value):
                self.assertIn(part, text)
                self.assertNotIn("lugger.inner", text)

    def test_e15_help_of_rows_and_results(self):
        result, row = self.answers("pg.use 'local:'\nhelp(pg 'select 1 as n')",
                                   "help((pg 'select 1 as n')[1])")
        self.assertIn(":value()", result)
        self.assertIn(":is_null(name)", row)

    def test_a_name_shows_its_public_entry_first_and_lists_others(self):
        columns, name, plan, run = self.answers("help 'columns'", "help 'decimal'", "help 'job:plan'",
                                                "help 'run'")
        self.assertIn("Usage: lugger run", run)
        self.assertIn("functions of that name: lugger.job:run, lugger.task:run", run)
        self.assertTrue(columns.startswith("lugger.source:columns(limit)"), columns)
        self.assertIn("also: lugger.target:columns", columns)
        self.assertTrue(name.startswith("lugger.decimal(from)"), name)
        self.assertNotIn("native", plan)

    def test_a_class_has_what_its_parents_have(self):
        run, = self.answers("help 'job:run'")
        self.assertIn("dry_run: boolean|nil", run)

    def test_a_method_is_found_with_a_dot_and_with_a_colon(self):
        entries = {"doc.with": "lugger.doc:with(", "lugger.doc.with": "lugger.doc:with(",
                   "row.raw": "lugger.row:raw(", "row:raw": "lugger.row:raw(",
                   "date.add": "lugger.date:add(", "pg.each": "lugger.db:each(",
                   "migration_db:each": "lugger.db:each(", "db.batches": "lugger.migration_db:batches(",
                   "json:encode": "lugger.json.encode("}
        for entry, text in zip(entries.values(), self.answers(*(f"help '{name}'" for name in entries))):
            self.assertTrue(text.startswith(entry), text)

    def test_a_topic_that_is_none(self):
        done = self.lugger("repl", stdin="help 'no such thing'\nhelp 'colums'\n", status=0)
        self.assertIn('there is no help for "no such thing"', done.err)
        self.assertIn("did you mean", done.err)


if __name__ == "__main__":
    harness.main()
