"""The bench's table: figure, peer, ratio, what was asked for, and whether it holds."""
import textwrap

import hooks
import live
import merges



def ratio_row(series, what, ours, peer, limit, least=False, cpu=False):
    """ours / peer must be at most `limit`; with `least`, peer / ours at least that."""
    if not series.has(ours) or not series.has(peer):
        return [what, '', '', '', f'left out: {series.missing.get(peer, "not measured")}', '']
    value = series.cpu if cpu else series.wall
    a, b = value(ours), value(peer)
    ratio = b / a if least else a / b
    holds = ratio >= limit if least else ratio <= limit
    return [what, f'{a:.2f} s', f'{b:.2f} s', f'{ratio:.2f}x',
            f'{"at least" if least else "at most"} {limit:.2f}x', 'yes' if holds else 'no']


def unasked(row):
    """A figure to know, with no limit of its own."""
    return row[:4] + (['', ''] if row[3] else row[4:])


def node_row(series, what, connections):
    """How many times as long the script takes; psql's own figure is what the server allows."""
    row = unasked(ratio_row(series, what, f'lugger {connections}', 'node', 0, least=True))
    if series.has('node'):
        row[4] = f'psql itself: {series.wall("node") / series.wall(f"psql {connections}"):.2f}x'
    return row


def figure_row(what, value, text, limit, limit_text, least=False):
    return [what, text, '', '', limit_text, 'yes' if (value >= limit if least else value <= limit) else 'no']


def small_rows(series):
    """200 collections of 100 documents; the peer is psql with the same in one session."""
    peer = '`psql`, the same 200 COPYs, keys and ANALYZEs in one session'
    out = [ratio_row(series, f'{what}; peer: {peer}', name, 'small psql', 3.00)
           for what, name in (('200 collections of 100 documents: load', 'small load'),
                              ('the same: loading again', 'small again'),
                              ('the same: verify', 'small verify')) if series.has(name)]
    if series.has('small census'):
        seconds = series.wall('small census')
        out.append(figure_row('the same: census (`describe --full`)', seconds, f'{seconds:.2f} s', 1.5,
                              'at most 1.50 s'))
    return out


def rows(series, facts):
    million = facts['rows'] / 1e6
    out = [
        ratio_row(series, 'load, 1 connection; peer: `psql \\copy` of a prepared binary file', 'lugger 1',
                  'psql 1', 1.10),
        ratio_row(series, 'load, 2 connections; peer: the same in two files', 'lugger 2', 'psql 2', 1.10),
        node_row(series, 'load, 1 connection; peer: batched `jsonb_to_recordset` under Node', 1),
        node_row(series, 'load, 2 connections; peer: the same script', 2),
    ]
    cpu = series.cpu('dry')
    out += [
        figure_row('conversion alone, CPU (`--dry-run`)', cpu, f'{cpu:.2f} s', 0.5 * million,
                   f'at most {0.5 * million:.2f} s'),
        ratio_row(series, 'load with a `map` that reads and writes a string; peer: without', 'lugger hook',
                  'lugger 1', 1.10),
        unasked(ratio_row(series, 'conversion alone with that `map`, CPU; peer: without', 'dry hook', 'dry',
                          0, cpu=True)),
        ratio_row(series, 'gzip: reading and converting; peer: `zcat \\| wc -c`', 'dry gzip', 'zcat', 1.10),
        ratio_row(series, 'gzip: load, 1 connection; peer: plain BSON', 'lugger gzip', 'lugger 1', 1.25),
    ]
    rate = facts['json_bytes'] / series.cpu('dry json') / 1e6
    out += [
        figure_row('JSON: reading and converting, a core', rate, f'{rate:.0f} MB/s', 300, 'at least 300 MB/s',
                   least=True),
        ratio_row(series, 'JSON: load, 1 connection; peer: BSON', 'lugger json', 'lugger 1', 1.50),
    ]
    out += hooks.rows(series, facts['rows'], figure_row)
    out += merges.rows(series, ratio_row)
    if series.has('verify 2'):
        seconds = series.wall('verify 2')
        out += [
            figure_row('verify: every row compared by value, 2 connections', seconds, f'{seconds:.2f} s',
                       6 * million, f'at most {6 * million:.2f} s'),
            ratio_row(series, 'verify, 1 connection; peer: the load', 'verify 1', 'lugger 1', 2.00),
            ratio_row(series, 'verify, 2 connections; peer: the load', 'verify 2', 'lugger 2', 2.00),
        ]
    rate = facts['bson_bytes'] / series.cpu('census') / 1e6
    out.append(figure_row('census (`describe --full`), a core', rate, f'{rate:.0f} MB/s', 300,
                          'at least 300 MB/s', least=True))
    out += small_rows(series)
    for name, text in (('lugger 2', f'private memory at 2 workers, {facts["rows"]:,} documents'),
                       ('lugger 5x', f'the same, {facts["rows"] * 5:,} documents'),
                       ('verify 2', f'the same of a verification, {facts["rows"]:,} documents'),
                       ('verify 5x', f'the same, {facts["rows"] * 5:,} documents')):
        if series.has(name):
            rss = series.rss(name) / 1048576
            out.append(figure_row(text, rss, f'{rss:.1f} MiB', 64, 'under 64 MiB'))
    for how, text in (('error', 'COPY straight into the table'), ('update', 'merge')):
        for count in (1, 10, 100, 1000):
            out.append(unasked(ratio_row(
                series, f'{text}: {count:,} of 100,000 rows refused by the server; peer: none',
                f'rejects {how} {count}', f'rejects {how} 0', 0)))
    version = series.wall('version') * 1000
    out.append(figure_row('`lugger --version`', version, f'{version:.0f} ms', 25, 'within 25 ms'))
    prompt = series.wall('prompt') * 1000
    out.append(figure_row('`lugger` on a terminal: until it waits for a key', prompt, f'{prompt:.0f} ms', 50,
                          'within 50 ms'))
    return out


HEAD = ['what', 'lugger', 'peer', 'ratio', 'asked for', 'holds']


def lined(found, head=HEAD):
    ruler = '|---|--:|--:|--:|---|---|' + '--:|' * (len(head) - len(HEAD))
    return '\n'.join(['| ' + ' | '.join(head) + ' |', ruler]
                     + ['| ' + ' | '.join(row) + ' |' for row in found])


def table(series, facts):
    head = [
        f'{facts["date"]}, {facts["machine"]}',
        '',
        textwrap.fill(
         f'{facts["lugger"]}, PostgreSQL {facts["postgresql"]}, Node {facts["node"]}; '
         f'{facts["rows"]:,} documents, '
         f'{facts["bson_bytes"] / 1e6:.0f} MB of BSON, {facts["json_bytes"] / 1e6:.0f} MB of JSON; '
         f'medians of {facts["rounds"]} rounds, '
         'each run in turn with its peer; the Node script and the large run once.', 100),
        '',
    ]
    return '\n'.join([*head, lined(rows(series, facts))]) + '\n'


def live_table(series, facts):
    head = textwrap.fill(
        f'{facts["date"]}, {facts["machine"]}; {facts["lugger"]}, PostgreSQL {facts["postgresql"]}; '
        f'{facts["rows"]:,} documents, of which one in {live.EVENTS_OF} is changed; medians of '
        f'{facts["rounds"]} rounds, each run in turn with its peer; load of the machine when it began: '
        f'{facts["load"]:.1f}.', 100)
    return f'{head}\n\n{lined(live.rows(series, facts["seconds"], ratio_row, figure_row))}\n'


def write(path, name, text):
    """Between the marks of that name."""
    page = path.read_text(encoding='utf-8')
    begin, end = f'<!-- {name}: begin -->', f'<!-- {name}: end -->'
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    path.write_text(f'{before}{begin}\n{text}{end}{after}', encoding='utf-8')
