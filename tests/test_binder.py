"""The files that repo2docker reads agree with the facts of the project."""
import os
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
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
