"""Test the course: exports, notebooks, rules, book, tools, browser and installation.

usage: python tools/test.py

Every notebook runs twice: by nbdev_test, and in JupyterLab in the browser (tests/test_lab.py), each
in a fresh kernel. Every step runs, whatever an earlier one found. With COURSE_NO_SKIP=1 a skipped
test is a failure.
"""
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from contextlib import suppress
from pathlib import Path

from notebooks import ROOT, notebook_paths

LIB = ROOT / 'course_lib'
CORES = os.cpu_count() or 1
POSIX = os.name == 'posix'
STEP_SECONDS = 2700  # what takes longer hangs


def run(*arguments, progress):
    "Run Python with `arguments` in the root, its words on the terminal. True if it succeeded."
    environment = dict(os.environ, PYTHONUTF8='1', COURSE_PROGRESS=str(progress),
                       OMP_NUM_THREADS='1',  # as many processes as cores run side by side
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


def test_notebooks(scratch):
    "nbdev_test on all notebooks, one after the other, so that what they measure is not disturbed."
    call = 'from nbdev.test import nbdev_test; nbdev_test(n_workers=1, timing=True)'
    return run('-c', call, progress=scratch / 'notebooks')


def test_rest(scratch, counts, skips):
    "pytest in tests/; `counts` and `skips` (reason → how many) are filled from its report."
    report = scratch / 'report.xml'
    passed = run('-m', 'pytest', 'tests', '-q', '-n', str(CORES), '--dist', 'worksteal',
                 f'--junitxml={report}', progress=scratch / 'rest')
    if report.exists():
        for case in ElementTree.parse(report).iter('testcase'):
            skip = case.find('skipped')
            if skip is not None and skip.get('type') == 'pytest.xfail':
                continue  # it failed, as the test says that it must, with the reason
            failed = case.find('failure') is not None or case.find('error') is not None
            counts['failed' if failed else 'passed' if skip is None else 'skipped'] += 1
            if skip is not None:
                skips[skip.get('message')] += 1
    return passed and counts['passed'] > 0


def run_steps(scratch, counts, skips):
    "Run every step; the names of those that failed."
    steps = {
        'exports are in sync': lambda: test_exports(scratch),
        'nbdev_test': lambda: test_notebooks(scratch),
        'gates': lambda: run('tools/gates.py', progress=scratch / 'gates'),
        'book': lambda: run('tools/book.py', progress=scratch / 'book'),
        'pytest': lambda: test_rest(scratch, counts, skips),
    }
    failed = []
    for number, (name, step) in enumerate(steps.items(), 1):
        print(f'\n== {number}/{len(steps)} {name}', flush=True)
        if not step():
            print(f'== {name}: FAILED', flush=True)
            failed.append(name)
    return failed


def summary(failed, counts, skips, seconds):
    "The last lines: what was skipped, and how it went as a whole."
    for reason, number in skips.items():
        print(f'Skipped: {number} tests ({reason})')
    if failed:
        print(f'FAILED: {", ".join(failed)}')
    of_tests = f' ({counts["failed"]} failed)' if counts['failed'] else ''
    print(f'{len(notebook_paths(ROOT))} notebooks, {counts["passed"]} tests passed{of_tests} '
          f'in {seconds:.0f} s')


def main():
    "Run all steps, sum up; exit 1 if one failed."
    start, counts, skips = time.perf_counter(), Counter(), Counter()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        failed = run_steps(Path(scratch), counts, skips)
    if skips and os.environ.get('COURSE_NO_SKIP') == '1':
        failed.append('no test may be skipped here')
    summary(failed, counts, skips, time.perf_counter() - start)
    return 1 if failed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit('\nStopped before the end: nothing is proved.')
