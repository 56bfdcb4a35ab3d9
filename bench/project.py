"""What the project promises as a whole: imports, chapters, explorables, the first command."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, plain_environment
from notebooks import notebook_paths

HEAVY = 'torch', 'matplotlib', 'sklearn'
BROWSERS = 'chromium', 'chromium-browser', 'google-chrome', 'chrome'


def python(code, **settings):
    "Run Python code in the root, in a process of its own; what it printed, as JSON."
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, check=True, text=True,
                          env=plain_environment() | settings, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def imports(rounds):
    "Seconds of `import course_lib.autograd` and `import numpy`, each in a fresh process."
    code = ('import json, sys, time; start = time.perf_counter(); import {}; '
            'took = time.perf_counter() - start; '
            f'print(json.dumps([took, [name for name in {HEAVY} if name in sys.modules]]))')
    times = {'ours': [], 'numpy': []}
    for _ in range(rounds):
        for name, module in (('ours', 'course_lib.autograd'), ('numpy', 'numpy')):
            took, loaded = python(code.format(module))
            times[name].append(took)
            if loaded:
                raise AssertionError(f'import {module} also loads {loaded}')
    return {'times': times}


def tested(code):
    "What a run of notebooks prints; progress is stored apart from the reader's."
    with tempfile.TemporaryDirectory() as scratch:
        return python(code, COURSE_PROGRESS=str(Path(scratch, 'progress.sqlite')),
                      OMP_NUM_THREADS='1')


def chapters(rounds):
    "Seconds that each notebook takes in nbdev_test, one after the other."
    code = '''import json, time
from nbdev.test import test_nb
from pathlib import Path
start = time.perf_counter()
passed, took = test_nb(Path({!r}))
print(json.dumps([passed, time.perf_counter() - start]))'''
    times = {}
    for path in notebook_paths(ROOT):
        passed, times[path.stem] = tested(code.format(str(path)))
        if not passed:
            raise AssertionError(f'{path.name} fails')
    return {'seconds': times}


def notebooks_together(rounds):
    "Seconds of nbdev_test, two notebooks at a time."
    code = '''import json, time
from nbdev.test import nbdev_test
start = time.perf_counter()
nbdev_test(n_workers=2)
print(json.dumps(time.perf_counter() - start))'''
    return {'seconds': {'two at a time': tested(code)}}


def keys(rounds):
    "Milliseconds from a key to the picture, for each explorable on the pages of the book."
    if not any(map(shutil.which, BROWSERS)):
        return {'missing': 'there is no Chromium or Chrome here'}
    done = subprocess.run([sys.executable, '-m', 'pytest', 'tests/test_book.py', '-q', '-s', '-k',
                           'answer_to_keys'], cwd=ROOT, env=plain_environment(),
                          capture_output=True, text=True)
    found = re.findall(r'^(\S+), explorable (\d+): ([\d.]+) ms', done.stdout, re.M)
    if done.returncode or not found:
        raise AssertionError(done.stdout[-2000:])
    return {'milliseconds': {f'{page}, {number}': float(took) for page, number, took in found}}


def first_command(rounds):
    "Seconds from `make lab` in a fresh clone, nothing cached, until JupyterLab answers."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch, 'course')
        subprocess.run(['git', 'clone', '-q', str(ROOT), str(folder)], check=True)
        env = plain_environment() | {'HOME': scratch, 'PIP_NO_CACHE_DIR': '1', 'BROWSER': 'true'}
        for name in ('VIRTUAL_ENV', 'PYTHONPATH', 'XDG_CACHE_HOME'):
            env.pop(name, None)
        log = Path(scratch, 'log')
        start = time.perf_counter()
        with log.open('w') as out:
            lab = subprocess.Popen(['make', 'lab'], cwd=folder, env=env, stdout=out, stderr=out,
                                   start_new_session=True)
        try:
            took = wait_for(lab, log, start)
        finally:
            os.killpg(lab.pid, 15)
            lab.wait()
    return {'seconds': {'make lab': took}}


def wait_for(lab, log, start):
    "Seconds since `start` when the log says that the course is open."
    while time.perf_counter() - start < 1200:
        if lab.poll() is not None:
            break
        if 'The course is open' in log.read_text():
            return time.perf_counter() - start
        time.sleep(.1)
    raise AssertionError(f'JupyterLab did not open: {log.read_text()[-2000:]}')


CASES = {'import': imports, 'chapters': chapters, 'nbdev_test': notebooks_together, 'keys': keys,
         'first command': first_command}
