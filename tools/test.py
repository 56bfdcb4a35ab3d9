"""Test the course: exports, notebooks (twice), rules, tools, browser and installation.

usage: python tools/test.py

Every step runs, whatever an earlier one found. With COURSE_NO_SKIP=1 a skipped test is a failure.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat

from freeze import FreezeError, execute
from notebooks import ROOT, notebooks

LIB = ROOT / 'course_lib'
CORES = os.cpu_count() or 1
POSIX = os.name == 'posix'
STEP_SECONDS = 2700  # what takes longer hangs
LOADED = '''import json, sys
print(json.dumps([name for name in sys.modules if name.startswith("course_lib.")]))'''


def run(*arguments, progress):
    "Run Python with `arguments` in the root, its words on the terminal. True if it succeeded."
    environment = dict(os.environ, PYTHONUTF8='1', COURSE_PROGRESS=str(progress),
                       IPYTHONDIR=str(progress.with_name('ipython')))  # no settings of the user's
    environment.pop('IN_TEST', None)
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, start_new_session=POSIX)
    try:
        return process.wait(STEP_SECONDS) == 0
    except subprocess.TimeoutExpired:
        print(f'It did not end within {STEP_SECONDS // 60} minutes and was stopped.')
        return False
    finally:
        end(process)


def end(process):
    "End a process, and what it started and left running."
    with suppress(ProcessLookupError):
        if POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def sources():
    "Text of every file of Python in the library, by path."
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding='utf-8')
            for path in LIB.rglob('*.py')}


def test_exports(scratch):
    "Whether nbdev_export leaves the library as it is; what it changed stays changed."
    before, export = sources(), 'from nbdev.doclinks import nbdev_export; nbdev_export()'
    if not run('-c', export, progress=scratch / 'export'):
        return False
    after = sources()
    changed = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    if changed:
        print('These were not what the notebooks export. They are now: look and commit them.')
        print('\n'.join(f'  {path}' for path in changed))
    return not changed


def test_quick(scratch):
    "nbdev_test on all notebooks, side by side."
    return run('-c', 'from nbdev.test import nbdev_test; nbdev_test()', progress=scratch / 'quick')


def modules_of(path):
    "Run a notebook in a process of its own; the course's modules that it loaded."
    nb = nbformat.read(path, as_version=4)
    nb.cells.append(nbformat.v4.new_code_cell(LOADED))
    execute(nb, path.parent, path.stem)
    printed = ''.join(o.text for o in nb.cells[-1].outputs if o.output_type == 'stream')
    return [name.removeprefix('course_lib.') for name in json.loads(printed)]


def not_allowed(nb, loaded, numbers):
    "The modules among `loaded` that a chapter may not use: its own, later and unknown ones."
    of_workbench = [m for m in loaded if m.split('.')[0] in ('workbench', '_modidx')]
    lower = [m for m, number in numbers.items() if number < (nb.number or 0)]
    return sorted(set(loaded) - set(of_workbench) - set(lower))


def test_alone(nb, numbers):
    "Whether a notebook runs alone, with the workbench and lower numbers only: (passed, seconds)."
    start, problem = time.perf_counter(), ''
    try:
        wrong = not_allowed(nb, modules_of(nb.path), numbers)
        if wrong:
            problem = f'it loads {", ".join(wrong)}: allowed are workbench and lower numbers'
    except FreezeError as error:
        problem = str(error)
    seconds = time.perf_counter() - start
    print(f'{short(nb):30} {seconds:6.1f} s  {problem or "ok"}', flush=True)
    return not problem, seconds


def short(nb):
    "A notebook's name for people: workbench/core, 02_autograd."
    return nb.name.removeprefix('nbs/').removesuffix('.ipynb')


def test_notebooks(times):
    "Every notebook in a kernel of its own, one on each core; `times` is filled: name → (passed, seconds)."
    found = notebooks(ROOT)
    numbers = {nb.module: nb.number for nb in found if nb.module and nb.number}
    with ProcessPoolExecutor(CORES) as pool:
        outcomes = pool.map(test_alone, found, [numbers] * len(found))
        times.update(zip(map(short, found), outcomes))
    return bool(times) and all(passed for passed, _ in times.values())


def test_rest(scratch, counts, skips):
    "pytest in tests/; `counts` and `skips` (reason → how many) are filled from its report."
    report = scratch / 'report.xml'
    passed = run('-m', 'pytest', 'tests', '-q', '-n', str(CORES), '--dist', 'worksteal',
                 f'--junitxml={report}', progress=scratch / 'rest')
    if report.exists():
        for case in ElementTree.parse(report).iter('testcase'):
            skip = case.find('skipped')
            failed = case.find('failure') is not None or case.find('error') is not None
            counts['failed' if failed else 'passed' if skip is None else 'skipped'] += 1
            if skip is not None:
                skips[skip.get('message')] += 1
    return passed and counts['passed'] > 0


def run_steps(scratch, times, counts, skips):
    "Run every step; the names of those that failed."
    steps = {
        'exports are in sync': lambda: test_exports(scratch),
        'nbdev_test': lambda: test_quick(scratch),
        'each notebook alone': lambda: test_notebooks(times),
        'gates': lambda: run('tools/gates.py', progress=scratch / 'gates'),
        'pytest': lambda: test_rest(scratch, counts, skips),
    }
    failed = []
    for number, (name, step) in enumerate(steps.items(), 1):
        print(f'\n== {number}/{len(steps)} {name}', flush=True)
        if not step():
            print(f'== {name}: FAILED', flush=True)
            failed.append(name)
    return failed


def summary(failed, times, counts, skips, seconds):
    "The last lines: time of each notebook, what was skipped, and how it went as a whole."
    print('\nSeconds: ' + ' · '.join(f'{name} {took:.1f}' for name, (_, took) in times.items()))
    for reason, number in skips.items():
        print(f'Skipped: {number} tests ({reason})')
    if failed:
        print(f'FAILED: {", ".join(failed)}')
    good = sum(passed for passed, _ in times.values())
    of_notebooks = '' if good == len(times) else f' of {len(times)}'
    of_tests = f' ({counts["failed"]} failed)' if counts['failed'] else ''
    print(f'{good}{of_notebooks} notebooks, {counts["passed"]} tests passed{of_tests} '
          f'in {seconds:.0f} s')


def main():
    "Run all steps, sum up; exit 1 if one failed."
    start, times, counts, skips = time.perf_counter(), {}, Counter(), Counter()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        failed = run_steps(Path(scratch), times, counts, skips)
    if skips and os.environ.get('COURSE_NO_SKIP') == '1':
        failed.append('no test may be skipped here')
    summary(failed, times, counts, skips, time.perf_counter() - start)
    return 1 if failed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit('\nStopped before the end: nothing is proved.')
