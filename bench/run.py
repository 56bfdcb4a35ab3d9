"""Measure the course against its peers and against its goals, one thread, on a quiet machine.

    python bench/run.py                 everything (about ten minutes; the network once)
    python bench/run.py step keys ...   only these; the others keep their last numbers
    python bench/run.py --report        measure nothing, write the report anew

What was measured goes to bench/results.json; of it are made bench/results.md, bench/results.svg and
the table in the README. micrograd, DeZero and tinygrad take part where they are installed
(`pip install micrograd dezero tinygrad`; no other part of the course needs them).
"""
import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cases
import peers
import project
import report
from measure import ENVIRONMENT, ROOT, machine

STORE = ROOT / 'bench' / 'results.json'
CASES = cases.CASES | project.CASES


def measure(case, rounds):
    "The result of one case, here."
    return {**CASES[case](rounds), 'notes': peers.NOTES}


def apart(case, rounds):
    "The same in a process of its own, with one thread."
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, 'result.json')
        command = [sys.executable, __file__, '--one', str(file), '--rounds', str(rounds), case]
        subprocess.run(command, env=os.environ | ENVIRONMENT, check=True)
        return json.loads(file.read_text())


def read_store():
    return json.loads(STORE.read_text(encoding='utf-8')) if STORE.exists() else {'results': {}}


def rounded(value):
    "Four digits of every number: more would be noise."
    if isinstance(value, float):
        return float(f'{value:.4g}')
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def store(results):
    "Keep the results, a case a line; the others stay as they were."
    old, now = read_store(), machine()
    kept = old['results'] | rounded(results)
    # those of peers that are not installed now still belong to what they measured
    now['versions'] = old.get('machine', {}).get('versions', {}) | now['versions']
    head = {'day': datetime.date.today().isoformat(), 'machine': now}
    lines = ',\n'.join(f'{json.dumps(case)}: {json.dumps(kept[case], ensure_ascii=False)}'
                       for case in CASES if case in kept)
    STORE.write_text(f'{json.dumps(head)[:-1]}, "results": {{\n{lines}\n}}}}\n', encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('cases', nargs='*', help=', '.join(CASES))
    parser.add_argument('--rounds', type=int, default=41, help='turns of each (default: 41)')
    parser.add_argument('--report', action='store_true', help='measure nothing')
    parser.add_argument('--one', help=argparse.SUPPRESS)  # a file for the result
    args = parser.parse_args()
    if unknown := set(args.cases) - set(CASES):
        parser.error(f'no such case: {", ".join(unknown)}; there are {", ".join(CASES)}')
    if args.one:
        return Path(args.one).write_text(json.dumps(measure(args.cases[0], args.rounds)))
    for case in () if args.report else args.cases or CASES:
        print(f'{case} …', flush=True)
        store({case: apart(case, args.rounds)})
    data = read_store()
    report.write(data)
    print('\n'.join(report.goals_table(data['results'])))


if __name__ == '__main__':
    main()
