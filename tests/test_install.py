"""The house from outside: the wheel without the repository, `make venv` and `make lab`."""
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import webbrowser
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import free_port

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ('settings.ini', 'pyproject.toml', 'setup.py', 'MANIFEST.in', 'README.md', 'LICENSE',
           'constraints.txt')
posix = pytest.mark.skipif(os.name != 'posix', reason='scripts and signals of POSIX systems')


def load(path, name):
    "A file of tools/ as a module of its own name (there is a `venv` in the standard library)."
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copy_project(folder):
    "What building and installing need, in `folder`."
    folder.mkdir()
    for name in SOURCES:
        shutil.copy(ROOT / name, folder)
    (folder / 'tools').mkdir()
    shutil.copy(ROOT / 'tools' / 'venv.py', folder / 'tools')
    return folder


def call(*command, **options):
    "Run a command; its result, with text."
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, **options)


# --- the wheel -----------------------------------------------------------------------------------
@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    "The library's wheel, built from a copy, without network."
    folder = copy_project(tmp_path_factory.mktemp('build') / 'project')
    shutil.copytree(ROOT / 'course_lib', folder / 'course_lib',
                    ignore=shutil.ignore_patterns('__pycache__'))
    built = call(sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-index',
                 '--no-build-isolation', '-w', folder / 'dist', folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return next((folder / 'dist').glob('*.whl'))


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    "Python of a clean environment with the wheel in it, and the packages it needs lent from here."
    folder = tmp_path_factory.mktemp('clean') / 'env'
    assert call(sys.executable, '-m', 'venv', '--without-pip', folder).returncode == 0
    python = folder / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')
    done = call(sys.executable, '-m', 'pip', '--python', python,
                'install', '--no-deps', '--no-index', wheel)
    assert done.returncode == 0, done.stdout + done.stderr
    where = call(python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))').stdout
    Path(where.strip(), 'lent.pth').write_text(sysconfig.get_path('purelib') + '\n')
    return python


def run_there(python, code, folder):
    "What `code` prints in the clean environment, in another folder."
    done = call(python, '-I', '-c', code, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def library_files(*endings):
    "Files of the library in the repository, as a wheel names them."
    return {path.relative_to(ROOT).as_posix()
            for path in (ROOT / 'course_lib').rglob('*') if path.suffix in endings}


def test_wheel_holds_the_library_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        found = archive.namelist()
        names = {name for name in found if '.dist-info/' not in name}
        metadata = archive.read(next(n for n in found if n.endswith('METADATA'))).decode()
        licences = [name for name in found if name.endswith('LICENSE')]
    assert names == library_files('.py', '.js', '.css')
    assert 'License-Expression: Apache-2.0' in metadata and len(licences) == 1
    assert 'Requires-Python: >=3.11' in metadata and 'Requires-Dist: numpy>=' in metadata


def test_every_module_imports_outside_the_repository(installed, tmp_path):
    modules = sorted(name.removesuffix('.py').removesuffix('/__init__').replace('/', '.')
                     for name in library_files('.py'))
    code = f'import importlib\nfor name in {modules}: print(importlib.import_module(name).__file__)'
    files = run_there(installed, code, tmp_path).split('\n')[:-1]
    assert len(files) == len(modules) >= 5
    assert all(Path(file).is_relative_to(installed.parents[1]) for file in files), files


def test_scripts_and_styles_are_in_the_wheel(installed, tmp_path):
    code = ('from importlib.resources import files\nimport json\n'
            'found = [f for f in files("course_lib").joinpath("static").iterdir() if f.is_file()]\n'
            'print(json.dumps({f.name: f.read_text(encoding="utf-8") for f in found}))')
    texts = json.loads(run_there(installed, code, tmp_path))
    here = {path.name: path.read_text(encoding='utf-8')
            for path in (ROOT / 'course_lib/static').iterdir() if path.is_file()}
    assert texts == here and any(name.endswith('.js') for name in texts)


# --- tools/venv.py -------------------------------------------------------------------------------
@pytest.fixture
def project(tmp_path):
    "A copy of the project without an environment, its name with a space."
    return copy_project(tmp_path / 'the course')


@pytest.fixture
def tool(project):
    "tools/venv.py of that copy; pip is replaced by a command that only makes a Python and a file."
    module = load(project / 'tools' / 'venv.py', 'course_venv')
    module.calls = []

    def run(command, log):
        module.calls.append(command)
        Path(module.PYTHON).parent.mkdir(parents=True, exist_ok=True)
        Path(module.PYTHON).touch()
        Path(module.VENV, f'package{len(module.calls)}').touch()

    module.run = run
    return module


def sentence(module):
    "What the tool says when it gives up."
    with pytest.raises(SystemExit) as stopped:
        module.main()
    said = str(stopped.value).strip()
    assert said and '\n' not in said and 'Traceback' not in said
    return said


def interrupt(command, log):
    raise KeyboardInterrupt


def old_pythons():
    "Pythons older than the course needs that happen to be here."
    found = sorted(Path.home().glob('.pyenv/versions/*/bin/python')) + [shutil.which('python2.7')]
    is_old = 'import sys; print(sys.version_info[:2] < (3, 11))'
    return [path for path in found if path and call(path, '-c', is_old).stdout.strip() == 'True']


def test_old_python_is_told_what_is_needed(tool, project, monkeypatch):
    for python in old_pythons():
        done = call(python, project / 'tools' / 'venv.py', env={'PATH': ''})
        assert done.returncode == 1 and 'needs Python 3.11 or newer' in done.stderr
        assert len(done.stderr.strip().split('\n')) == 1
    monkeypatch.setattr(tool.sys, 'version_info', (3, 8, 1))
    monkeypatch.setattr(tool, 'newer_python', lambda least: None)
    assert 'needs Python 3.11 or newer, and this is Python 3.8' in sentence(tool)


@posix
def test_a_newer_python_on_the_path_is_taken(tool, tmp_path, monkeypatch):
    for name, code in ('python3.13', 1), ('python3.12', 0), ('python3.11', 0):
        (tmp_path / name).write_text(f'#!/bin/sh\nexit {code}\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    assert tool.newer_python((3, 11)) == 'python3.12'
    monkeypatch.setenv('PATH', str(tmp_path / 'empty'))
    assert tool.newer_python((3, 11)) is None


def test_second_call_does_nothing_and_changed_versions_do(tool, project):
    tool.main()
    assert len(tool.calls) == 2 and '-c' in tool.calls[1] and tool.is_ready()
    tool.main()
    assert len(tool.calls) == 2
    seconds = []
    while not seconds or min(seconds) > 1 and len(seconds) < 5:  # others use the machine too
        start = time.perf_counter()
        done = call(sys.executable, project / 'tools' / 'venv.py')
        seconds.append(time.perf_counter() - start)
        assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
    assert min(seconds) < 1
    with (project / 'constraints.txt').open('a') as constraints:
        constraints.write('another==1\n')
    tool.main()
    assert len(tool.calls) == 3  # the packages again, the environment not


def test_interrupted_install_is_made_afresh(tool):
    good = tool.run
    tool.run = interrupt
    assert 'next try starts afresh' in sentence(tool)
    assert not tool.is_ready()
    Path(tool.VENV, 'half').mkdir()
    tool.run = good
    tool.main()
    assert tool.is_ready() and not Path(tool.VENV, 'half').exists()


def test_failed_update_leaves_a_working_environment(tool, project):
    tool.main()
    before = tool.state()
    with (project / 'constraints.txt').open('a') as constraints:
        constraints.write('another==1\n')
    good = tool.run

    def fail(command, log):
        raise tool.Stop('no network')

    tool.run = fail
    assert sentence(tool) == 'no network' and tool.state() == before
    tool.run = good
    tool.main()
    assert tool.is_ready() and Path(tool.VENV, 'package1').exists()


def test_environment_that_lost_its_python_is_made_afresh(tool):
    tool.main()
    os.remove(tool.PYTHON)
    tool.main()
    assert len(tool.calls) == 4 and tool.is_ready()


def test_full_disk_is_told(tool, monkeypatch):
    monkeypatch.setattr(tool.shutil, 'disk_usage', lambda path: SimpleNamespace(free=1e9))
    assert 'not enough disk space: 3.0 GB are needed and 1.0 GB are free' in sentence(tool)
    monkeypatch.undo()
    Path(tool.LOG).write_text("Collecting numpy\nERROR: [Errno 28] No space left on device\n")
    assert tool.why_it_failed().startswith('The disk is full')


def test_missing_venv_module_is_told_or_replaced(tool, monkeypatch):
    monkeypatch.setattr(tool, 'can_import', lambda module: False)
    assert 'apt install python3-venv' in sentence(tool)
    monkeypatch.setattr(tool, 'can_import', lambda module: module != 'ensurepip')
    tool.main()
    assert '--without-pip' in tool.calls[0] and '--python' in tool.calls[1] and tool.is_ready()


def test_no_network_is_told(project):
    offline = {name: value for name, value in os.environ.items() if not name.startswith('PIP_')}
    offline.update(PIP_CONFIG_FILE=os.devnull, PIP_RETRIES='1',
                   PIP_INDEX_URL='http://127.0.0.1:9/simple')
    done = call(sys.executable, project / 'tools' / 'venv.py', env=offline)
    assert done.returncode == 1 and 'network does not answer' in done.stderr, done.stderr
    assert len(done.stderr.strip().split('\n')) == 1
    log = project / '.venv' / 'install.log'
    assert str(log) in done.stderr and '127.0.0.1' in log.read_text()
    assert (project / '.venv' / 'course-state').read_text() == 'unfinished'


def test_two_at_once_wait_for_each_other(tool, project):
    os.mkdir(tool.VENV)
    with tool.lock():
        other = subprocess.Popen(
            [sys.executable, '-u', project / 'tools' / 'venv.py'],
            stdout=subprocess.PIPE, text=True)
        assert 'waiting for it' in other.stdout.readline()
        Path(tool.PYTHON).parent.mkdir()
        Path(tool.PYTHON).touch()
        tool.set_state(tool.fingerprint())
        assert other.poll() is None
    assert other.wait(20) == 0 and other.stdout.read() == ''
    other.stdout.close()


# --- tools/lab.py --------------------------------------------------------------------------------
@pytest.fixture(scope='module')
def lab_tool():
    return load(ROOT / 'tools' / 'lab.py', 'course_lab')


@pytest.fixture
def busy_port():
    "A port on which something listens."
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_busy_or_wrong_port_is_told(busy_port, lab_tool):
    answers = {'abc': 'abc is no port', 80: '80 is no port',
               busy_port: f'Port {busy_port} is in use'}
    for port, words in answers.items():
        done = call(sys.executable, ROOT / 'tools' / 'lab.py', port)
        assert done.returncode == 1 and done.stdout == '' and done.stderr.startswith(words)
        assert len(done.stderr.strip().split('\n')) == 1 and 'make lab PORT=' in done.stderr
    assert lab_tool.next_free_port(busy_port) > busy_port  # what happens when none is named


def test_browser_inside_the_terminal_is_not_opened(lab_tool, monkeypatch):
    def none_found():
        raise webbrowser.Error('no browser')

    monkeypatch.setattr(webbrowser, 'get', lambda: webbrowser.GenericBrowser('w3m'))
    assert not lab_tool.has_graphical_browser()
    monkeypatch.setattr(webbrowser, 'get', none_found)
    assert not lab_tool.has_graphical_browser()
    monkeypatch.setattr(webbrowser, 'get', lambda: webbrowser.BackgroundBrowser('xdg-open'))
    assert lab_tool.has_graphical_browser()


def heed_ctrl_c():
    "A shell lets what it starts in the background ignore Ctrl-C; here it shall count."
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope='module')
def open_lab(tmp_path_factory):
    "The course as `make lab` opens it, without display: the process, its address, its token."
    folder = tmp_path_factory.mktemp('reader')
    own = {name: str(folder / name) for name in (
        'HOME', 'JUPYTER_CONFIG_DIR', 'JUPYTER_DATA_DIR', 'JUPYTER_RUNTIME_DIR', 'IPYTHONDIR')}
    environment = {k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'WAYLAND_DISPLAY')}
    process = subprocess.Popen(
        [sys.executable, ROOT / 'tools' / 'lab.py', str(free_port())],
        text=True, stdout=subprocess.PIPE,
        env={**environment, **own, 'BROWSER': 'w3m'},
        preexec_fn=heed_ctrl_c if os.name == 'posix' else None)
    address = next((line.strip() for line in process.stdout if 'http' in line), 'no address')
    try:
        yield process, *address.split('/lab/tree/00_start.ipynb?token=')
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def ask(address, token=None):
    "Status and text of an answer of the server."
    headers = {'Authorization': f'token {token}'} if token else {}
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ''


def test_lab_opens_the_course_and_asks_for_the_token(open_lab):
    process, address, token = open_lab
    assert address.startswith('http://127.0.0.1:') and len(token) >= 32
    assert ask(f'{address}/api/contents')[0] == 403
    status, text = ask(f'{address}/api/contents', token)
    assert status == 200 and 'workbench' in [item['name'] for item in json.loads(text)['content']]


def test_lab_knows_every_setting(open_lab):
    process, address, token = open_lab
    overrides = json.loads((ROOT / 'tools/lab_settings/overrides.json').read_text())
    for plugin, settings in overrides.items():
        status, text = ask(f'{address}/lab/api/settings/{plugin}', token)
        assert status == 200, f'{plugin} is no plugin of this JupyterLab'
        known = json.loads(text)['schema']['properties']
        for name, value in settings.items():
            assert name in known, f'{plugin} has no setting {name}'
            if not isinstance(value, dict):
                assert known[name]['default'] == value, name


@posix
def test_lab_ends_at_once_and_leaves_nothing(open_lab):
    process, address, token = open_lab
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0 and 'progress is kept' in process.stdout.read()
    with pytest.raises(OSError):
        urllib.request.urlopen(address, timeout=2)


# --- tools/test.py -------------------------------------------------------------------------------
@pytest.fixture
def tester(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    return load(ROOT / 'tools' / 'test.py', 'course_test')


def test_changed_exports_are_named(tester, tmp_path, monkeypatch, capsys):
    def export(*arguments, progress):
        (tmp_path / 'course_lib' / 'made.py').write_text('new = 1\n')
        return True

    (tmp_path / 'course_lib').mkdir()
    (tmp_path / 'course_lib' / 'made.py').write_text('old = 1\n')
    monkeypatch.setattr(tester, 'ROOT', tmp_path)
    monkeypatch.setattr(tester, 'LIB', tmp_path / 'course_lib')
    monkeypatch.setattr(tester, 'run', export)
    assert not tester.test_exports(tmp_path) and '  course_lib/made.py' in capsys.readouterr().out
    assert tester.test_exports(tmp_path)  # the second time nothing changes


def test_step_that_hangs_is_stopped(tester, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tester, 'STEP_SECONDS', 1)
    assert not tester.run('-c', 'import time; time.sleep(60)', progress=tmp_path / 'progress')
    assert 'was stopped' in capsys.readouterr().out
    assert not tester.run('-c', 'raise SystemExit(3)', progress=tmp_path / 'progress')


def test_last_lines_tell_what_failed_and_what_was_skipped(tester, capsys):
    tester.summary(['gates'], {'passed': 5, 'failed': 1}, {'no browser': 2}, 60)
    lines = capsys.readouterr().out.strip().split('\n')
    assert lines[:2] == ['Skipped: 2 tests (no browser)', 'FAILED: gates']
    assert lines[2].endswith(' notebooks, 5 tests passed (1 failed) in 60 s')


def test_a_failure_that_is_expected_is_no_skipped_test(tester, tmp_path, monkeypatch):
    def report(*arguments, progress):
        xfail = '<testcase><skipped type="pytest.xfail" message="why"/></testcase>'
        skip = '<testcase><skipped type="pytest.skip" message="no browser"/></testcase>'
        (tmp_path / 'report.xml').write_text(f'<t><testcase/>{xfail}{skip}</t>')
        return True

    monkeypatch.setattr(tester, 'run', report)
    counts, skips = Counter(), Counter()
    assert tester.test_rest(tmp_path, counts, skips)
    assert counts == {'passed': 1, 'skipped': 1} and skips == {'no browser': 1}
