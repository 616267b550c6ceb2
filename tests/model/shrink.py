"""A failing case made smaller, as long as it goes on failing: fewer documents, fewer columns, fewer steps."""
from dataclasses import replace


def without(some):
    """The same with a half, a quarter, ... one element left out."""
    size = len(some)
    while size := size // 2:
        for at in range(0, len(some), size):
            yield some[:at] + some[at + size:]
    if len(some) == 1:
        yield some[:0]


def smaller(case):
    job = case.job
    if case.broken:
        yield replace(case, broken=0)
    if case.jobs > 1:
        yield replace(case, jobs=1)
    yield from (replace(case, first=x) for x in without(case.first))
    yield from (replace(case, second=x) for x in without(case.second))
    if job.hook:
        yield replace(case, job=replace(job, hook=None))
    yield from (replace(case, job=replace(job, children=x)) for x in without(job.children))
    needed = set(job.key) | {job.newer} | ({job.hook.clear,
                                            job.hook.set and job.hook.set[0]} if job.hook else set())
    free = [c for c in job.columns if c.name not in needed]
    for kept in without(free):
        yield replace(
            case, job=replace(job, columns=tuple(c for c in job.columns if c.name in needed or c in kept)))


def shrink(case, fails, tries=150):
    """The smallest found; `fails` plays a case."""
    while tries:
        for one in smaller(case):
            tries -= 1
            if fails(one):
                case = one
                break
            if not tries:
                break
        else:
            break
    return case
