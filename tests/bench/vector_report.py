"""The table of vectors: like the bench's, with the CPU of lugger or its peer and of the server."""
import textwrap

import report

HEAD = ['what', 'lugger', 'peer', 'ratio', 'asked for', 'holds', 'CPU: lugger + server', 'CPU: peer + server']


def processors(series, name):
    if not series.has(name):
        return ''
    own, server = series.cpu(name), series.server_cpu(name)
    return f'{own:.2f} + {server:.2f} s' if server else f'{own:.2f} s'


def timed(series, what, ours, peer, limit, least=False, cpu=False):
    row = report.ratio_row(series, what, ours, peer, limit, least, cpu)
    return [*row, processors(series, ours), processors(series, peer)]


def figure(row):
    return [*row, '', '']


def of_pgvector(series, facts):
    rows = f'{facts["rows"]:,} x 1536'
    lines = report.unasked(report.ratio_row(series, 'the same into JSON lines; peer: the same `\\copy`',
                                            'lines', 'psql out', 0))
    return [
        timed(series, f'{rows} into pgvector; peer: `psql \\copy` of a prepared binary file', 'in', 'psql in',
              1.10),
        timed(series, 'the same; peer: the row-by-row script', 'in', 'seed', 15, least=True),
        timed(series, f'{rows} out of pgvector, read and converted; peer: `psql \\copy` to `/dev/null`',
              'out', 'psql out', 1.10),
        [*lines, processors(series, 'lines'), processors(series, 'psql out')],
        timed(series, 'JSON vectors: reading and converting, CPU; peer: a plain simdjson loop', 'json',
              'plain json', 1.30, cpu=True),
    ]


RECODED = {'packed-vector': "MongoDB's packed float32 to COPY's `vector`",
           'vector-vector': '`vector` to `vector`', 'vector-halfvec': '`vector` to `halfvec`',
           'halfvec-vector': '`halfvec` to `vector`'}


def of_kernels(series, facts):
    out = []
    for name, what in RECODED.items():
        rate = series.wall(f'recode {name}')
        out.append(figure(report.figure_row(f're-encoding {what}: float32 a second, a core', rate,
                                            f'{rate:.1f} GB/s', 5, 'at least 5.0 GB/s', least=True)))
    kernel, core = facts['words'].get('kernel', ''), facts['words'].get('core', '')
    out += [
        timed(series, f'exact top 10 of {facts["searched"]:,} x 1536, one query; peer: reading that memory '
              'once', 'search one', 'search memory', 1.20),
        timed(series, f"the same, 100 queries ({kernel}); peer: OpenBLAS's sgemm ({core})", 'search many',
              'search sgemm', 0.70, least=True),
    ]
    for row in out[-2:]:
        row[6:] = ['', '']
    return out


def of_weaviate(series, facts):
    out = []
    for name, what in (('weaviate in', 'pgvector to Weaviate'), ('weaviate out', 'Weaviate to pgvector')):
        text = f'{facts["objects"]:,} x 384 (`flat`), {what}: CPU; peer: that of Weaviate'
        if not series.has(name):
            out.append([text, '', '', '', f'left out: {series.missing["weaviate"]}', '', '', ''])
            continue
        own, server = series.cpu(name), series.server_cpu(name)
        out.append([text, f'{own:.2f} s', f'{server:.2f} s', f'{own / server:.2f}x', 'at most 1.00x',
                    'yes' if own <= server else 'no', f'in {series.wall(name):.2f} s', ''])
    return out


def of_memory(series):
    out = []
    for name, what in (('in', 'into pgvector'), ('out', 'out of pgvector'), ('lines', 'into JSON lines'),
                       ('json', 'out of JSON'), ('weaviate in', 'to Weaviate'),
                       ('weaviate out', 'from Weaviate')):
        if series.has(name):
            rss = series.rss(name) / 1048576
            out.append(figure(report.figure_row(f'private memory {what}', rss, f'{rss:.1f} MiB', 64 + 8,
                                                'under 64 MiB + a unit of 8')))
    return out


def table(series, facts):
    head = textwrap.fill(
        f'{facts["date"]}, {facts["machine"]}; {facts["lugger"]}, PostgreSQL {facts["postgresql"]}, Weaviate '
        f'{facts["weaviate"]}; medians of {facts["rounds"]} rounds, each run in turn with its peer; the '
        f'row-by-row script once; load of the machine when it began: {facts["load"]:.1f}.', 100,
        break_on_hyphens=False)
    found = [*of_pgvector(series, facts), *of_kernels(series, facts), *of_weaviate(series, facts),
             *of_memory(series)]
    return f'{head}\n\n{report.lined(found, HEAD)}\n'
