"""How the benchmark measures: contestants in turn, and the course's own code for them."""
import ast
import importlib.metadata
import os
import platform
import runpy
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]
from notebooks import notebooks  # noqa: E402

from course_lib.workbench.core import _turn, test_near, to_numpy  # noqa: E402

# read when a process starts: one thread; tinygrad on the processor
ENVIRONMENT = {'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1',
               'NUM_CPU_THREADS': '1', 'DEV': 'CPU'}
PACKAGES = 'numpy', 'torch', 'scikit-learn', 'micrograd', 'dezero', 'tinygrad'


def plain_environment():
    "The environment of a reader's process: without the settings of the benchmark."
    return {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}


def in_turn(rounds=41, seconds=.01, **ways):
    """Seconds a call of each way in each round; a turn lasts about `seconds`, or one call.

    A quarter as many calls come first in each turn and do not count: they find the caches full of
    the others' work, which costs some contestants half as much again and others nothing.
    """
    for way in ways.values():
        way()
    calls = {name: max(1, round(seconds / _turn(way, 3))) for name, way in ways.items()}
    times, names = {name: [] for name in ways}, list(ways)
    for first in range(rounds):
        for i in range(len(names)):  # each is as often the first
            name = names[(first + i) % len(names)]
            _turn(ways[name], calls[name] // 4)
            times[name].append(_turn(ways[name], calls[name]))
    return times


def agree(rtol=1e-4, **ways):
    "AssertionError unless all ways begin with the same value (the first, if they give several)."
    values = {}
    for name, way in ways.items():
        value = way()
        values[name] = to_numpy(value[0] if isinstance(value, tuple) else value)
    first = next(iter(values.values()))
    for name, value in values.items():
        try:
            test_near(value, first, rtol)
        except AssertionError as error:
            raise AssertionError(f'{name} computes something else: {error}') from None


def definitions(number, *names, **given):
    "Functions and classes out of a chapter's cells; they see its module's names and the given."
    nb = next(nb for nb in notebooks(ROOT) if nb.number == number)
    found = {node.name: node for cell in nb.code for node in cell.tree.body
             if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    source = '\n\n'.join(ast.unparse(found[name]) for name in names)
    seen = vars(importlib.import_module(f'course_lib.{nb.module}')) | given
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f'chapter_{number:02}.py')
        file.write_text(source, encoding='utf-8')
        there = runpy.run_path(file, {k: v for k, v in seen.items() if not k.startswith('__')})
    return [there[name] for name in names]


def processor():
    "The name of the processor."
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
        return next(line.split(':')[1].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def version(package):
    "Its version, or None where it is not installed."
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine():
    "What the numbers depend on: processor, system, versions."
    versions = {name: found for name in PACKAGES if (found := version(name))}
    return {'processor': processor(), 'cores': os.cpu_count(), 'system': platform.system(),
            'versions': {'Python': platform.python_version(), **versions}}
