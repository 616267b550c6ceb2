#!/usr/bin/env python3
"""Random cases of the copy against the model beside it.

    python3 tests/model/run.py                      some hundred cases
    python3 tests/model/run.py --seed N             one of them, its script and dumps kept in build/model/N
    python3 tests/model/run.py --seed N --shrink    the same, made as small as it goes

LUGGER_MODEL_CASES and LUGGER_SEED choose others.
"""
import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))

import cases                                                              # noqa: E402
import harness                                                            # noqa: E402
from play import Stage                                                    # noqa: E402
from postgres import Postgres                                             # noqa: E402
from shrink import shrink                                                 # noqa: E402

CASES = 90
PACK = 16


def one(seed, smaller):
    """Plays a case alone; its differences."""
    stage = Stage(Postgres(), harness.ROOT / 'build' / 'model' / str(seed))
    case = cases.case(seed)
    found = stage.play([case])[seed]
    if smaller and found:
        case = shrink(case, lambda c: stage.play([c])[seed])
        found = stage.play([case])[seed]
        print(*case.first, '', *case.second, sep='\n')
    print(f'seed {seed}: -j {case.jobs}, {case.job.policy}, broken {case.broken} times; '
          f'files in {stage.directory}')
    return found


def many(seeds):
    """Plays cases by packs; the seeds of those that differ."""
    began, failed, stage = time.monotonic(), [], Stage(Postgres())
    for at in range(0, len(seeds), PACK):
        for seed, found in stage.play([cases.case(s) for s in seeds[at:at + PACK]]).items():
            if found:
                failed.append(seed)
                print(f'seed {seed}: '
                          + '\n  '.join(found) + f'\n  alone: python3 tests/model/run.py --seed {seed}',
                      flush=True)
    print(f'{len(seeds)} cases from {seeds[0]} on in {time.monotonic() - began:.0f} s, {len(failed)} differ',
          *failed)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int)
    parser.add_argument('--shrink', action='store_true')
    parser.add_argument('--cases', type=int, default=int(os.environ.get('LUGGER_MODEL_CASES', CASES)))
    parser.add_argument('--first', type=int, default=int(os.environ.get('LUGGER_SEED', '1')))
    options = parser.parse_args()
    if options.seed is not None:
        found = one(options.seed, options.shrink)
        print('\n'.join(found) or 'as the model has it')
    else:
        found = many(range(options.first, options.first + options.cases))
    sys.exit(1 if found else 0)


main()
