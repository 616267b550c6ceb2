"""Plays cases against lugger and a server, several in one process, and tells where model and program
differ."""
import json
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import bson
import harness
import render
import target
from cutting import Cutter
from mutate import Mutation
from sessions import Session


@dataclass
class Play:
    """One case under way: what the model holds, and the differences found."""
    case: object
    model: target.Target
    types: dict
    ended: bool = False           # the run was to stop with an error: nothing more is compared
    differences: list = field(default_factory=list)

    def differ(self, step, what, wanted, found):
        self.differences.append(f'{step}: {what}\n    model    {wanted}\n    program  {found}')


class Stage:
    """A server, a database, and a directory for the files of the cases."""

    def __init__(self, server, keep=None):
        self.server, self.database = server, server.fresh()
        self.session = Session(self.database)
        self.session.run('set client_min_messages = warning; set extra_float_digits = 1; set timezone = UTC')
        self.directory = Path(keep or harness.scratch())
        self.directory.mkdir(parents=True, exist_ok=True)
        self.number = 0

    def play(self, chosen):
        """The differences of each case: {seed: [text]}"""
        self.number += 1
        plays = [Play(c, target.Target(c.job), render.types_of(c.job)) for c in chosen]
        for play in plays:
            self.prepare(play)
        for step, choose in (('load', lambda c: c.first), ('again', lambda c: c.second)):
            self.load(fine(plays), step, choose)
        self.verify(fine(plays), 'verify')
        self.mutate(fine(plays))
        self.verify(fine(plays), 'verify what was changed')
        self.repair(fine(plays))
        for play in plays:
            self.clean(play)
        return {p.case.seed: p.differences for p in plays}

    def prepare(self, play):
        if play.case.made:
            for name, some in play.types.items():
                self.session.run(render.create(name, some, play.model.tables[name].key))

    def clean(self, play):
        for name in play.types:
            self.session.run(f'drop table if exists {render.quoted(name)}')

    def write(self, plays, step, choose):
        """Dumps and a script; its path."""
        jobs = []
        for play in plays:
            dump = f'{play.case.name}-{step}.bson'
            bson.write(self.directory / dump, choose(play.case))
            jobs.append((play.case.job, dump))
        path = self.directory / f'{step}.lua'
        path.write_text(render.script(jobs), encoding='utf-8')
        return path.name

    def lugger(self, *arguments):
        return harness.lugger(*arguments, cwd=self.directory, env={'PG_URI': self.database.url}, expect=None,
                              timeout=600)

    def load(self, plays, step, choose):
        """Jobs that are to stop with an error stop what runs beside them: each of them runs alone."""
        together, alone, made = [], [], {}
        for play in plays:
            try:
                made[play.case.seed] = play.model.load(choose(play.case))
                together.append(play)
            except target.Conflict:
                alone.append(play)
        for jobs, broken in sorted({(p.case.jobs, p.case.broken) for p in together}):
            some = [p for p in together if (p.case.jobs, p.case.broken) == (jobs, broken)]
            command = ('run', self.write(some, step, choose), '-j', jobs, '--log', 'none')
            result, done = self.broken(some, command,
                                       choose) if broken else (self.lugger(*command), Counter())
            for play in some:
                for _ in range(done[play.case.name] if play.case.job.key else 0):
                    # It was over by then: the same command begins a run of its own, unless that would
                    # double the rows.
                    made[play.case.seed] = play.model.load(choose(play.case))
                told = not made[play.case.seed].before and (play.case.job.key or not done[play.case.name])
                self.compare_load(play, step, made[play.case.seed], result, told)
            if result.status != 3 * any(made[p.case.seed].rejects for p in some):
                some[0].differ(step, f'status of {len(some)} jobs', 'that of their rejects',
                               (result.status, result.err[-1500:]))
        for play in alone:
            result = self.lugger('run', self.write([play], step, choose), '-j', play.case.jobs, '--log',
                                 'none')
            play.ended = True
            if result.status != 1 or 'skip' not in result.err:
                play.differ(step, 'a key is taken', 'status 1, and the other choices',
                            (result.status, result.err))

    def broken(self, plays, command, choose):
        """Kills and cuts at statements drawn from the seeds, then runs to the end: that result, and
        the jobs that were done before."""
        rng = random.Random(str([p.case.seed for p in plays]))
        before = self.done(plays)
        for _ in range(plays[0].case.broken):
            kill, process = rng.random() < 0.6, None
            cutter = Cutter(self.server, rng.randrange(1, 30 + 60 * len(plays)),
                            rng.choice(('before', 'after')),
                            act=(lambda: process.send_signal(signal.SIGKILL)) if kill else None)
            process = harness.start(*command, cwd=self.directory, env={'PG_URI': cutter.url(self.database)})
            process.communicate(timeout=600)
            cutter.close()
        done = Counter(job for job, run in self.done(plays) - before)
        return self.lugger(*command), done

    def done(self, plays):
        """(job, run) of the runs that are over."""
        if self.session.run("select to_regclass('lugger.runs') is null") == 't':
            return set()
        jobs = ','.join(f"'{p.case.name}'" for p in plays)
        lines = self.session.run("select job, run from lugger.runs where status = 'done' "
                                 f"and job in ({jobs})")
        return {tuple(line.split('|')) for line in lines.split('\n') if line}

    def compare_load(self, play, step, made, result, told):
        """`told`: whether the command must tell the books; one that loads no table twice does not."""
        books = result.books_by_name().get(play.case.name)
        wanted = dict(vars(made.books))
        if books is None and told:
            play.differ(step, 'no books', wanted, (result.status, result.err[-1500:]))
            return
        if books and {k: books.get(k, 0) for k in wanted} != wanted:
            play.differ(step, 'books', wanted, books)
        self.compare_rejects(play, step, made.rejects)
        self.compare_tables(play, step)

    def compare_rejects(self, play, step, rejects):
        """By document, with a code and a column that the model allows."""
        lines = self.session.run("select json_build_array(document_id, code, \"column\", message) "
                                 "from lugger.rejects where job = "
                                 f"'{play.case.name}' order by reject")
        found = [json.loads(line) for line in lines.split('\n') if line]
        wanted = Counter(r.document_id for r in rejects)
        if wanted != Counter(f[0] for f in found):
            play.differ(step, 'rejected documents',
                        sorted((wanted - Counter(f[0] for f in found)).elements()),
                        [f for f in found if wanted[f[0]] != sum(g[0] == f[0] for g in found)])
            return
        left, before = list(rejects), len(play.differences)
        for document, code, column, message in found:
            same = next(
                (r for r in left if r.document_id == document and code in r.codes and column in r.columns),
                None)
            if same is None and len(play.differences) < before + 2:
                play.differ(step, f'why {document} is rejected',
                            [(r.codes, r.columns) for r in left if r.document_id == document],
                            (code, column, message))
            elif same is not None:
                left.remove(same)

    def actual(self, play, name):
        return render.rows(self.session.run(render.select(name, play.types[name])), play.types[name])

    def compare_tables(self, play, step):
        for name, table in play.model.tables.items():
            try:
                found = Counter(self.actual(play, name))
            except ValueError as error:
                play.differ(step, f'rows of {name}', 'a table', error)
                continue
            wanted = Counter(table.rows.values())
            if found != wanted:
                play.differ(step, f'rows of {name}', *difference(wanted - found, found - wanted, table))

    def mutate(self, plays):
        for play in plays:
            # Tables that lugger made: a foreign key leads from each child row to its row.
            sql = '\n'.join(Mutation(random.Random(play.case.seed), play.model, play.types,
                                     cascade=not play.case.made).sql)
            told = self.session.run(sql) if sql else ''
            if told:
                play.differ('mutate', sql, 'silence', told)

    def repair(self, plays):
        for extra in (False, True):
            some = [p for p in plays if p.case.delete_extra == extra]
            if not some:
                continue
            status = 0
            for play in some:
                target.repair(play.case.job, play.case.second, play.model, extra)
                verdict = target.verify(play.case.job, play.case.second, play.model)
                wrong = any(c['missing'] + c['extra'] + c['different'] > 0 for c in verdict.values())
                # Where all was refused, and nothing is there, equal would prove nothing.
                empty = not any(c['source'] + c['target'] for c in verdict.values())
                empty = empty and bool(target.refused_keys(play.case.job, play.case.second))
                status = max(status, 4 * (wrong or empty))
            flags = ['--delete-extra', '--delete-many'] if extra else []
            result = self.lugger('repair', self.write(some, 'again', lambda c: c.second), '--apply', *flags)
            for play in some:
                if result.status != status:
                    play.differ('repair', 'status', status,
                                (result.status, result.out[-1500:], result.err[-500:]))
                self.compare_tables(play, 'repair')

    def verify(self, plays, step):
        if not plays:
            return
        result = self.lugger('verify', self.write(plays, 'again', lambda c: c.second), '--json')
        verdicts = {v['job']: v for v in json.loads(result.out)} if result.out.startswith('[') else {}
        for play in plays:
            wanted = target.verify(play.case.job, play.case.second, play.model)
            if play.case.name not in verdicts:
                play.differ(step, 'no verdict', wanted, (result.status, result.err[-1500:]))
                continue
            found = {t['table']: {k: t.get(k, 0) for k in target.COUNTS} for t in verdicts[play.case.name][
                'tables']}
            if found != wanted:
                play.differ(step, 'verdict', wanted,
                            (found, verdicts[play.case.name]['rows'], verdicts[play.case.name]['warnings']))


def fine(plays):
    return [p for p in plays if not p.ended and not p.differences]


def thawed(value):
    """A value as a person reads it: jsonb as JSON again."""
    if isinstance(value, tuple) and len(value) == 2:
        kind, inner = value
        if kind == 'object':
            return {k: thawed(v) for k, v in sorted(inner)}
        return [thawed(v) for v in inner] if kind == 'array' else 'JSON null' if kind == 'NoneType' else inner
    return value


def short(value):
    text = str(value) if isinstance(value, Decimal) else repr(thawed(value))
    return text if len(text) < 300 else f'{text[:300]}... ({len(text)})'


def difference(missing, extra, table):
    """The first rows that differ: of rows with one key only the columns that do."""
    width = len(table.key)
    missing, extra = list(missing.elements()), list(extra.elements())
    keys = [table.columns.index(k) for k in table.key]

    def key(row):
        return tuple(row[k] for k in keys)
    told = [f'{len(missing)} rows that are not there'], [f'{len(extra)} rows that should not be']
    for one in missing[:2]:
        other = next((r for r in extra if width and key(r) == key(one)), None)
        for name, a, b in zip(table.columns, one, other or one):
            if other is None or a != b or name in table.key:
                told[0].append(f'{name}={short(a)}')
                told[1].append(f'{name}={short(b)}' if other else '')
    for one in [r for r in extra if key(r) not in map(key, missing)][:2]:
        told[1].extend(f'{n}={short(v)}' for n, v in zip(table.columns, one))
    return ' '.join(told[0]), ' '.join(told[1])


def books_by_name(result):
    return harness.all_books(result.err)


harness.Result.books_by_name = books_by_name
