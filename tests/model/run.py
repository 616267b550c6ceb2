#!/usr/bin/env python3
"""Random cases of the copy against the model beside it.

    python3 tests/model/run.py                      some hundred cases; LUGGER_MODEL_CASES and LUGGER_SEED choose others
    python3 tests/model/run.py --seed N             one of them, its files kept in build/model/N
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

PACK = 12


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int)
    parser.add_argument('--cases', type=int, default=int(os.environ.get('LUGGER_MODEL_CASES', '200')))
    parser.add_argument('--first', type=int, default=int(os.environ.get('LUGGER_SEED', '1')))
    options = parser.parse_args()
    server = Postgres()
    if options.seed is not None:
        keep = harness.ROOT / 'build' / 'model' / str(options.seed)
        stage = Stage(server, keep)
        case = cases.case(options.seed)
        found = stage.play([case])[options.seed]
        print(f'seed {options.seed}: -j {case.jobs}, {case.job.policy}, files in {keep}')
        print('\n'.join(found) or 'as the model has it')
        sys.exit(1 if found else 0)
    began, failed = time.monotonic(), []
    stage = Stage(server)
    seeds = range(options.first, options.first + options.cases)
    for at in range(0, len(seeds), PACK):
        for seed, found in stage.play([cases.case(s) for s in seeds[at:at + PACK]]).items():
            if found:
                failed.append(seed)
                print(f'seed {seed}: ' + '\n  '.join(found) + f'\n  alone: python3 tests/model/run.py --seed {seed}', flush=True)
    print(f'{len(seeds)} cases in {time.monotonic() - began:.0f} s, {len(failed)} differ{": " if failed else ""}{" ".join(map(str, failed))}')
    sys.exit(1 if failed else 0)


main()
