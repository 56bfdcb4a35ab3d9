"""The files that repo2docker reads agree with the facts of the project."""
import ast
import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / 'tools'))
from notebooks import notebooks  # noqa: E402

BINDER = ROOT / 'binder'


def lines(path):
    return [line for line in path.read_text('utf-8').splitlines() if line and line[0] != '#']


def test_torch_is_the_tested_one_without_gpu():
    asked = [line for line in lines(BINDER / 'requirements.txt') if line.startswith('torch')]
    tested = [line for line in lines(ROOT / 'constraints.txt') if line.startswith('torch==')]
    assert asked == [f'{tested[0]}+cpu']


def test_tested_versions_and_the_course_are_installed():
    asked = lines(BINDER / 'requirements.txt')
    assert '-e .' in asked
    assert (BINDER / asked[asked.index('-c ../constraints.txt')][3:]).exists()


def needed(requirements):
    "Names of the required packages, as they apply here without extras."
    found = map(Requirement, requirements or ())
    return {canonicalize_name(r.name) for r in found
            if r.marker is None or r.marker.evaluate({'extra': ''})}


def with_what_they_need(names):
    found, rest = set(), set(names)
    while rest:
        found.add(name := rest.pop())
        rest |= needed(requires(name)) - found
    return found


def imported(tree):
    "The top-level modules that some code imports."
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split('.')[0]


def test_notebooks_find_what_they_import():
    "Chapter 2 also compares with micrograd, where that is installed."
    settings = ConfigParser(interpolation=None)
    settings.read(ROOT / 'settings.ini', encoding='utf-8')
    asked = settings['DEFAULT']['requirements'].split()
    asked += [line for line in lines(BINDER / 'requirements.txt') if line[0] != '-']
    there = with_what_they_need(needed(asked))
    modules = {m for nb in notebooks(ROOT) for cell in nb.code for m in imported(cell.tree)}
    origins = packages_distributions()
    for module in modules - {'course_lib', 'micrograd'} - sys.stdlib_module_names:
        assert there & set(map(canonicalize_name, origins[module])), module


def test_python_is_the_oldest_that_the_course_takes():
    settings = ConfigParser(interpolation=None)
    settings.read(ROOT / 'settings.ini', encoding='utf-8')
    assert lines(BINDER / 'runtime.txt') == [f'python-{settings["DEFAULT"]["min_python"]}']


@pytest.mark.skipif(os.name != 'posix', reason='a script of POSIX systems')
def test_lab_is_set_up_as_by_make_lab(tmp_path):
    subprocess.run([BINDER / 'postBuild'], cwd=ROOT, check=True,
                   env={**os.environ, 'NB_PYTHON_PREFIX': str(tmp_path)})
    made = tmp_path / 'share' / 'jupyter' / 'lab' / 'settings' / 'overrides.json'
    assert made.read_bytes() == (ROOT / 'tools' / 'lab_settings' / 'overrides.json').read_bytes()
    assert os.access(BINDER / 'postBuild', os.X_OK) and shutil.which('bash')
