"Planted faults: which there are, and that a run notices those that can be noticed, and no others."
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
sys.path.append(str(TOOLS))
import faults  # noqa: E402
import mutants  # noqa: E402

SOURCE = '''def f(x, n=2):
    "Words: 1 + 1."
    if x.ndim > 1 and not n: raise ValueError('5 > 4')
    return x[1:n].sum(axis=0) - 3 * n  # × one

def draw(x):
    import matplotlib
    return x + 1'''


def python_lines(source):
    "Every line that a fault makes."
    return {mutants.describe(source, fault)[1] for fault in mutants.Python(source).faults}


def test_faults_of_python():
    made = python_lines(SOURCE)
    start, end = 'return x[1:n].sum(axis=0) - 3 * n', '  # × one'
    assert {'def f(x, n=3):',
            "if x.ndim >= 1 and not n: raise ValueError('5 > 4')",
            "if x.ndim > 1 or not n: raise ValueError('5 > 4')",
            "if x.ndim > 1 and n: raise ValueError('5 > 4')",
            "if not (x.ndim > 1 and not n): raise ValueError('5 > 4')",
            *[start.replace(*change) + end for change in (
                ('axis=0', 'axis=-1'), ('- 3', '+ 3'), ('* n', '/ n'), (' - 3 * n', ''),
                (':n', ':(n) - 1'), ('.sum(axis=0)', ''), ('[1', '[2'))]} <= made
    assert not any('Words' in line or '+ 2' in line or '5 >= 4' in line for line in made)


def test_faults_of_javascript():
    source = "// a < b\nconst f = x => `${x + 1}` + (x <= 2 && 'a + b') * Math.min(x, 0.5);"
    made = {mutants.describe(source, fault)[1] for fault in mutants.javascript(source)}
    line = source.split('\n')[1]
    assert made == {line.replace(*change) for change in (
        ('` +', '` -'), ('<=', '<'), ('2', '3'), ('&&', '||'), ('* M', '/ M'), ('min', 'max'),
        ('0.5', '1.0'))}


def test_choice_takes_every_kind_and_stays_when_others_are_added():
    many = [{'kind': kind, 'before': f'{kind}{i}'} for kind in 'abc' for i in range(20)]
    chosen = mutants.choose(many, 9, lambda f: f['before'])
    assert sorted(f['kind'] for f in chosen) == list('aaabbbccc')
    assert mutants.choose(many[::-1], 9, lambda f: f['before']) == chosen


@pytest.fixture
def course(tmp_path):
    "Two chapters: what the first does not test, the second does."
    export = '#| export\ndef f(x): return x + 1\ndef g(x): return x + 1\ndef h(x): return x + 1'
    cells = {'01_one': {'exp': '#| default_exp one', 'made': export, 'test': 'assert f(1) == 2'},
             '02_two': {'exp': '#| default_exp two', 'use': 'from course_lib.one import g',
                        'test': 'assert g(1) == 2'}}
    for folder in 'nbs', 'course_lib':
        (tmp_path / folder).mkdir()
    for name, sources in cells.items():
        nbformat.write(nbformat.v4.new_notebook(cells=[
            nbformat.v4.new_code_cell(source, id=key) for key, source in sources.items()]),
            tmp_path / 'nbs' / f'{name}.ipynb')
    (tmp_path / 'course_lib' / '__init__.py').write_text('')
    (tmp_path / 'course_lib' / 'one.py').write_text(faults.without_directives(export) + '\n')
    planted = [{'id': name, 'cell': 'made', 'export': faults.without_directives(export),
                'source': export.replace(f'def {name}(x): return x +', f'def {name}(x): return x -')}
               for name in 'fgh']
    for fault in planted:
        fault['planted'] = faults.without_directives(fault['source'])
    return tmp_path, planted


def answers(folder, task):
    "What the worker finds."
    done = subprocess.run(
        [sys.executable, TOOLS / 'faults.py', '--worker'], input=json.dumps(task), cwd=folder,
        stdout=subprocess.PIPE, text=True, timeout=120, env=dict(
            os.environ, PYTHONPATH=str(folder), IPYTHONDIR=str(folder / 'ipython'),
            PYTHONDONTWRITEBYTECODE='1'))
    found = dict(map(json.loads, done.stdout.splitlines()))
    return [found[fault['id']] for fault in task['faults']]


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='faults are planted in forks')
@pytest.mark.parametrize('way, name, noticed', [
    ('chapter', '01_one.ipynb', ['test: AssertionError', '', '']),
    ('library', 'one', ['', '02_two.ipynb test: AssertionError', ''])])
def test_a_fault_is_noticed_where_it_is_tested(course, way, name, noticed):
    folder, planted = course
    task = {'way': way, 'name': name, 'folder': str(folder), 'faults': planted,
            'importers': ['02_two.ipynb']}
    assert answers(folder, task) == noticed


TINY = '''import pathlib
import pytest

@pytest.fixture
def script(browser):
    page = browser.new_page()
    page.evaluate(pathlib.Path('course_lib/static/tiny.js').read_text())
    yield page
    page.close()

def test_two(script): assert script.evaluate('two()') == 2
def test_page(browser): assert False, 'the tests of the page are not run'
'''


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='faults are planted in forks')
def test_a_fault_in_a_script_is_noticed_by_the_tests_that_call_it(tmp_path, browser):
    sources = 'window.two = () => 1 - 1', 'window.two = () => 1 * 2', 'window.two = () => {', 'two()'
    for path, text in (('course_lib/static/tiny.js', 'window.two = () => 1 + 1'),
                       ('tests/test_tiny.py', TINY),
                       ('tests/conftest.py', (TOOLS.parent / 'tests' / 'conftest.py').read_text())):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    task = {'way': 'script', 'name': 'tiny.js', 'folder': str(tmp_path),
            'faults': [{'id': i, 'source': source} for i, source in enumerate(sources)]}
    assert answers(tmp_path, task) == ['test_two', '', 'test_two', 'test_two']


def test_a_process_that_dies_or_is_late_is_no_answer():
    if not hasattr(os, 'fork'): pytest.skip('faults are planted in forks')
    assert faults.forked(lambda: '', 60) == '' and faults.forked(lambda: 'a: b', 60) == 'a: b'
    assert faults.forked(lambda: os.kill(os.getpid(), 9), 60) == faults.KILLED
    assert faults.forked(lambda: 1 / 0, 60) == 'ZeroDivisionError at the end'
    assert faults.forked(lambda: time.sleep(60), .1) == faults.LATE


def test_report_tells_scores_misses_and_what_was_not_run():
    seen = {'cell': 'a', 'kind': 'sign', 'before': '+', 'after': '-', 'noticed': 'b: Error'}
    results = {'good': [seen] * 10, 'other': [seen] * 9 + [seen | {'noticed': '02.ipynb c: Error'}],
               'bad': [seen, seen | {'noticed': None, 'alone': True, 'before': 'survived'}]}
    text = faults.report(results, ['later'])
    assert '| good | 10 | 10 | 0 | 100% |' in text and '| other | 10 | 9 | 1 | 100% |' in text
    assert '| bad | 2 | 1 | not run | 50%, **missed** |' in text
    assert 'Not examined yet: later.' in text and text.count('`survived` became') == 1
