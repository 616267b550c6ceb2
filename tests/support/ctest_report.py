"""Counts of a ctest JUnit report: skipped tests by name and reason, then `N passed, N failed, N skipped`."""
import argparse
import re
import sys
from collections import Counter
import xml.etree.ElementTree as ElementTree


def reasons(case):
    """The SKIP lines a test printed."""
    output = case.findtext('system-out') or ''
    return re.findall(r'^SKIP: (.*)$', output, re.M)


def servers(path):
    """Which servers the tests of a live MongoDB ran on, and how many of them."""
    cases = ElementTree.parse(path).getroot().iter('testcase')
    return Counter(name for case in cases for name in set(re.findall(
        r'^ran on (.*)$', case.findtext('system-out') or '', re.M)))


def read(path):
    passed, failed, skipped, partly = [], [], [], []
    for case in ElementTree.parse(path).getroot().iter('testcase'):
        name = case.get('name')
        if case.get('status') == 'run':
            passed.append(name)
            partly += [(name, reason) for reason in reasons(case)]
        elif case.find('skipped') is not None and 'SKIP_RETURN_CODE' in (
                case.find('skipped').get('message') or ''):
            skipped.append((name, '; '.join(reasons(case))))
        else:
            failed.append(name)
    return passed, failed, skipped, partly


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('report')
    parser.add_argument('--counts')
    options = parser.parse_args()
    try:
        passed, failed, skipped, partly = read(options.report)
        for name, count in sorted(servers(options.report).items()):
            print(f'{count} files of tests ran on {name}')
    except (OSError, ElementTree.ParseError) as error:
        print(f'no report of the tests: {error}')
        passed, failed, skipped, partly = [], ['all'], [], []
    if not passed and not failed and not skipped:
        failed = ['none was run']
    for name in failed:
        print(f'failed: {name}')
    for name, reason in skipped:
        print(f'skipped: {name}: {reason}' if reason else f'skipped: {name}')
    for name, reason in partly:
        print(f'skipped within {name}: {reason}')
    if options.counts:
        with open(options.counts, 'w', encoding='utf-8') as file:
            file.write(f'{len(passed)} {len(failed)} {len(skipped)}\n')
    else:
        print(f'{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped')
    sys.exit(1 if failed else 0)


main()
