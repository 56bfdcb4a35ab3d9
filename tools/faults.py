"""Plant small faults in the chapters, one at a time, and see whether their tests notice.

    python tools/faults.py                      every chapter and every explorable (hours)
    python tools/faults.py trees tree.js ...    only these modules and explorables
    python tools/faults.py --survivors ...      only the faults that nothing noticed last time

In Python a fault is put into an exported cell of a scratch copy of the notebook. The notebook is
run up to that cell once; for each fault a fork of that process goes on from there to the first cell
that fails. Where none does, the notebooks that import the module are run with the fault in their
copy of the library. Cells that measure times do not count: they would notice by chance.
In JavaScript it is put into part 1 of an explorable (its pure functions), and those of its tests
are run that call the script; those of the page take ten times as long, and would notice by chance.

The scores stand in bench/faults.md, what they are made of in bench/faults.json. It needs a system
that can fork (Linux, macOS).
"""
import argparse
import ast
import contextlib
import gc
import inspect
import io
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import mutants
from freeze import environment
from notebooks import ROOT, chapters, is_export

STORE, REPORT = ROOT / 'bench' / 'faults.json', ROOT / 'bench' / 'faults.md'
GOAL = .9
LATE, KILLED = 'time is over', 'the process ended'
NOBODY = None  # what noticed a fault that nothing noticed


# ---------------------------------------------------------------- which faults

def python_faults(chapter, number):
    "Faults for the exported cells of a chapter: cell, kind, line before and after, new source."
    faults = []
    for cell in filter(is_export, chapter.code):
        for fault in mutants.Python(cell.source).faults:
            new = mutants.planted(cell.source, fault)
            before, after = mutants.describe(cell.source, fault)
            if mutants.compiles(new):
                faults.append({'cell': cell.id, 'kind': fault[0], 'before': before, 'after': after,
                               'place': fault[1], 'source': new})
    return mutants.choose(faults, number, lambda f: (f['kind'], f['before'], f['after']))


def script_faults(path, number):
    "Faults for part 1 of an explorable's script."
    source = path.read_text(encoding='utf-8')
    end = len(source[:source.index('--- part 2')].encode())
    begin = len(source[:source.index('--- part 1')].encode())
    faults = []
    for fault in mutants.javascript(source):
        if begin < fault[1] < end:
            before, after = mutants.describe(source, fault)
            line = mutants.line_of(source, fault[1]) + 1
            faults.append({'cell': f'line {line}', 'kind': fault[0], 'before': before,
                           'after': after, 'place': fault[1],
                           'source': mutants.planted(source, fault)})
    return mutants.choose(faults, number, lambda f: (f['kind'], f['before'], f['after']))


# ---------------------------------------------------------------- one fork for each fault

def forked(work, seconds):
    "What work() returns (a text) in a fork of this process; or why there is no answer."
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.close(reader)
        try:
            os.write(writer, f' {work()}'.encode())
        except BaseException as error:
            os.write(writer, f' {type(error).__name__} at the end'.encode())
        finally:
            os._exit(0)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], seconds)
    answer = (os.read(reader, 65536).decode() or ' ' + KILLED) if ready else ' ' + LATE
    os.close(reader)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return answer[1:]


def shell_of(folder):
    "What nbdev_test runs notebooks in."
    from execnb.shell import CaptureShell
    os.chdir(folder)
    return CaptureShell(folder)


def first_failure(shell, cells):
    "The id of the first cell that fails, or ''; those that measure times may."
    for cell in cells:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            shell.run(cell.source)
        if shell.exc and 'timing' not in cell.tags:
            return f'{cell.id}: {type(shell.exc).__name__}'
    return ''


def names(tree, kind):
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, kind)}


def cells_to_run(folder, name):
    "The code cells of a chapter, but those that measure times and give nothing to later ones."
    kept, used = [], set()
    for cell in reversed(next(c for c in chapters(folder) if c.path.name == name).code):
        if 'timing' not in cell.tags or names(cell.tree, ast.Store) & used:
            kept.append(cell)
        used |= names(cell.tree, ast.Load)
    return kept[::-1]


def own_progress(work):
    "`work`, with a file of progress of its own."
    def inside():
        with tempfile.TemporaryDirectory() as folder:
            os.environ['COURSE_PROGRESS'] = str(Path(folder) / 'progress.sqlite')
            return work()
    return inside


def plant_in_chapter(folder, name, faults, answer):
    "Run a chapter's own cells with each fault; answer(fault, what noticed it)."
    cells = cells_to_run(folder, name)
    shell = shell_of(folder / 'nbs')
    start = time.monotonic()
    if failure := forked(own_progress(lambda: first_failure(shell, cells)), 600):
        sys.exit(f'{name} fails without a fault: {failure}')
    limit = 60 + 3 * (time.monotonic() - start)
    for place, cell in enumerate(cells):
        for fault in (f for f in faults if f['cell'] == cell.id):
            rest = [SimpleNamespace(id=cell.id, source=fault['source'], tags=[]), *cells[place + 1:]]
            answer(fault, forked(own_progress(lambda: first_failure(shell, rest)), limit))
        if failure := first_failure(shell, [cell]):
            sys.exit(f'{name} fails without a fault: {failure}')


def plant_in_library(folder, module, importers, faults, answer):
    "Run the notebooks that import a module with each fault in the library, until one notices."
    import matplotlib.pyplot  # noqa: F401 (what many need is loaded once)
    import numpy  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import torch  # noqa: F401
    path = folder / 'course_lib' / f'{module}.py'
    right = path.read_text(encoding='utf-8')
    for fault in faults:
        noticed = ''
        if fault['export'] not in right:
            sys.exit(f'{module}: cell {fault["cell"]} is not in the library as it stands: export')
        path.write_text(right.replace(fault['export'], fault['planted']), encoding='utf-8')
        for name in importers:
            cells = cells_to_run(folder, name)
            work = own_progress(lambda: first_failure(shell_of(folder / 'nbs'), cells))
            if noticed := forked(work, 300):
                noticed = f'{name} {noticed}'
                break
        path.write_text(right, encoding='utf-8')
        answer(fault, noticed)


@contextlib.contextmanager
def one_browser():
    "A Chromium that the tests of many faults use, each with pages of its own (see conftest.py)."
    from conftest import QUIET, find_chromium
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chromium = subprocess.Popen(
            [find_chromium(), *QUIET, '--headless', '--hide-scrollbars', '--remote-debugging-port=0',
             f'--user-data-dir={profile}', 'about:blank'],
            stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            address = next(line.split()[-1] for line in chromium.stderr if 'listening on' in line)
            os.environ['COURSE_BROWSER'] = address
            yield
        finally:
            os.killpg(chromium.pid, signal.SIGKILL)
            chromium.wait()


def plant_in_script(folder, name, faults, answer):
    "Run the tests that call a script with each fault in it, up to the first that fails."
    import playwright.sync_api  # noqa: F401 (what all runs need is loaded once)
    import pytest
    path = folder / 'course_lib' / 'static' / name
    right = path.read_text(encoding='utf-8')
    os.chdir(folder)
    options = ['-x', '-q', '--tb=no', '-p', 'no:cacheprovider', f'tests/test_{path.stem}.py']

    class First:
        failed = ''

        def pytest_collection_modifyitems(self, items):
            items[:] = [item for item in items if 'script' in item.fixturenames
                        and 'browser' not in inspect.signature(item.function).parameters]

        def pytest_runtest_logstart(self):
            signal.alarm(limit)  # for one test: a fault may be a loop without end

        def pytest_runtest_logreport(self, report):
            if report.failed:
                self.failed = self.failed or report.nodeid.split('::')[-1]

    def work():
        first = First()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = pytest.main(options, plugins=[first])
        return first.failed or ('' if code == 0 else f'pytest: {code}')

    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([*options, '--collect-only'])  # what the tests import is loaded once
    gc.freeze()  # pytest collects garbage twice in each run: not in what all of them share
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the browser ends, too
    waiting, limit = [None, *faults], 300
    while waiting:
        with one_browser():
            while waiting:
                fault, *waiting = waiting
                start = time.monotonic()
                if fault:
                    path.write_text(fault['source'], encoding='utf-8')
                failure = forked(work, 600)
                if fault:
                    answer(fault, failure)
                elif failure:
                    sys.exit(f'{name}: its tests fail without a fault: {failure}')
                else:
                    limit = 10 + int(time.monotonic() - start)
                if failure in (LATE, KILLED):
                    break  # that browser may be busy for ever
    path.write_text(right, encoding='utf-8')


# ---------------------------------------------------------------- one process for each module

def worker(task):
    "Plant the faults of one task (JSON on stdin); an answer a line on stdout."
    folder, out = Path(task['folder']), os.fdopen(os.dup(1), 'w', buffering=1)
    os.environ['IN_TEST'] = '1'

    def answer(fault, noticed):
        print(json.dumps([fault['id'], noticed]), file=out)

    if task['way'] == 'chapter':
        plant_in_chapter(folder, task['name'], task['faults'], answer)
    elif task['way'] == 'library':
        plant_in_library(folder, task['name'], task['importers'], task['faults'], answer)
    else:
        plant_in_script(folder, task['name'], task['faults'], answer)


def ask(way, name, faults, **more):
    "What noticed each fault, by its id, found in a scratch copy by a process of its own."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        for part in ('course_lib', 'nbs', 'data', 'tests', 'tools'):
            shutil.copytree(ROOT / part, folder / part)
        env = environment(folder) | {
            'PYTHONPATH': str(folder), 'CUDA_VISIBLE_DEVICES': '',
            'PYTHONDONTWRITEBYTECODE': '1'}  # a fault may be as long as what it replaces
        task = {'way': way, 'name': name, 'folder': scratch, 'faults': faults} | more
        done = subprocess.run([sys.executable, __file__, '--worker'], input=json.dumps(task),
                              stdout=subprocess.PIPE, text=True, env=env, cwd=folder)
        if done.returncode:
            raise RuntimeError(f'the run ended with {done.returncode}')
        return dict(map(json.loads, done.stdout.splitlines()))


def without_directives(source):
    return '\n'.join(line for line in source.splitlines() if not line.startswith('#|')).strip()


def importers_of(chapter):
    "The other chapters that import a chapter's module, nearest first."
    wanted = f'course_lib.{chapter.module} '
    return [c.path.name for c in chapters(ROOT) if c.number > chapter.number
            and any(wanted in line for cell in c.code for line in cell.lines)]


def examine_chapter(chapter, faults, importers=True):
    "Fill in what noticed each fault of a chapter."
    found = ask('chapter', chapter.path.name, faults)
    for fault in faults:
        fault['noticed'] = found[fault['id']] or NOBODY
    rest = [f for f in faults if f['noticed'] is NOBODY]
    others = importers_of(chapter)
    if not importers:
        for fault in rest:
            fault['alone'] = True  # the importing chapters were not asked
    if not (rest and others and importers):
        return
    sources = {cell.id: cell.source for cell in chapter.code}
    for fault in rest:
        fault['export'] = without_directives(sources[fault['cell']])
        fault['planted'] = without_directives(fault['source'])
    found = ask('library', chapter.module, rest, importers=others)
    for fault in rest:
        fault['noticed'] = found[fault['id']] or NOBODY


def examine_script(name, faults):
    found = ask('script', name, faults)
    for fault in faults:
        fault['noticed'] = found[fault['id']] or NOBODY


# ---------------------------------------------------------------- report

def read_store():
    return json.loads(STORE.read_text(encoding='utf-8')) if STORE.exists() else {}


def store(results, plans):
    "Write the results, a fault a line, and the report; what other runs wrote meanwhile stays."
    results = read_store() | results
    ordered = {name: results[name] for name in plans if name in results}
    parts = [f'{json.dumps(name)}: [\n' + ',\n'.join(json.dumps(f, ensure_ascii=False)
             for f in faults) + '\n]' for name, faults in ordered.items()]
    STORE.write_text('{\n' + ',\n'.join(parts) + '\n}\n', encoding='utf-8')
    missing = [name for name in plans if name not in results]
    REPORT.write_text(report(ordered, missing), encoding='utf-8')


def row(name, faults):
    "A line of the table of scores."
    own = sum(f['noticed'] is not NOBODY and '.ipynb ' not in f['noticed'] for f in faults)
    other = sum(f['noticed'] is not NOBODY for f in faults) - own
    share = (own + other) / len(faults)
    later = 'not run' if any(f.get('alone') for f in faults) else other
    mark = '' if share >= GOAL else ', **missed**'
    return f'| {name} | {len(faults)} | {own} | {later} | {share:.0%}{mark} |'


def survivor(name, fault):
    return (f"- **{name}** {fault['cell']}, {fault['kind']}: `{fault['before']}` became "
            f"`{fault['after']}`.")


def report(results, missing):
    "The scores, what was not examined and the survivors, as Markdown."
    lines = ['# Planted faults', '',
             'Small faults, put one at a time into the exported cells of a chapter or the pure '
             'functions of an explorable: how many are noticed by the notebook itself, by one that '
             'imports it, or by the tests that call the function in the browser. Which: '
             '[mutants.py](../tools/mutants.py), how: `make faults`.', '',
             f'Goal: {GOAL:.0%} of each. Drawings, error texts and cells that measure times are '
             'left out.', '',
             '| module | faults | noticed by its own cells | by later chapters | score |',
             '|---|---:|---:|---:|---:|']
    lines += [row(name, faults) for name, faults in results.items()]
    if missing:
        lines += ['', f'Not examined yet: {", ".join(missing)}.']
    lines += ['', '## Not noticed', '']
    lines += [survivor(name, f) for name, faults in results.items() for f in faults
              if f['noticed'] is NOBODY]
    return '\n'.join(lines) + '\n'


# ---------------------------------------------------------------- all of it

def choose_faults(number, importers=True):
    "name → (examine, its faults), for each chapter and explorable."
    plans = {}
    for chapter in chapters(ROOT):
        if chapter.module:
            plans[chapter.module] = (
                lambda faults, c=chapter: examine_chapter(c, faults, importers),
                python_faults(chapter, number))
    for path in sorted((ROOT / 'course_lib' / 'static').glob('*.js')):
        plans[path.name] = (lambda faults, n=path.name: examine_script(n, faults),
                            script_faults(path, number))
    for _, faults in plans.values():
        for identity, fault in enumerate(faults):
            fault['id'] = identity
    return plans


def same(a, b):
    return all(a[key] == b[key] for key in ('cell', 'kind', 'before', 'after'))


def main():
    "Examine what was asked for, side by side; write the report."
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('names', nargs='*', help='modules (trees) and explorables (tree.js)')
    parser.add_argument('--number', type=int, default=40, help='faults in each (default: 40)')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='modules side by side')
    parser.add_argument('--survivors', action='store_true', help='only those of the last run')
    parser.add_argument('--alone', action='store_true', help='do not run the importing chapters')
    parser.add_argument('--worker', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(json.load(sys.stdin))
    plans = choose_faults(args.number, not args.alone)
    failed, known_before = [], read_store()
    if unknown := set(args.names) - set(plans):
        parser.error(f'no such module: {", ".join(unknown)}; there are {", ".join(plans)}')

    def one(name):
        try:
            examine_one(name)
        except RuntimeError as error:
            failed.append(name)
            print(f'{name}: NOT EXAMINED, {error}', file=sys.stderr, flush=True)

    def examine_one(name):
        examine, faults = plans[name]
        old = known_before.get(name, [])
        known = {}
        for fault in faults:
            before = next((f for f in old if same(f, fault)), {})
            if args.survivors and before.get('noticed'):
                known[fault['id']] = before['noticed']
        examine([f for f in faults if f['id'] not in known])
        for fault in faults:
            fault['noticed'] = known.get(fault['id'], fault.get('noticed'))
        kept = 'cell', 'kind', 'before', 'after', 'noticed', 'alone'
        result = [{key: f[key] for key in kept if key in f} for f in faults]
        print(row(name, result), flush=True)
        store({name: result}, plans)

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, args.names or plans))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
