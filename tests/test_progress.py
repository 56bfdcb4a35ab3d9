"Progress survives several notebooks at once, a killed kernel, a damaged file, a read-only folder."
import os, sqlite3, subprocess, sys, tempfile
from contextlib import closing
from pathlib import Path

import pytest

from course_lib.workbench.exercises import Exercise, Progress, reset_progress

ROOT = Path(__file__).resolve().parents[1]
BEGIN = 'import os, sqlite3, sys, time\nfrom course_lib.workbench.exercises import *\n'


def start(code:str, path:Path, *args) -> subprocess.Popen:
    "A Python process of its own that runs `code` with its progress in `path`."
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))
    env = {**os.environ, 'COURSE_PROGRESS': str(path), 'PYTHONPATH': python_path}
    command = [sys.executable, '-c', BEGIN + code, *map(str, args)]
    return subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process:subprocess.Popen) -> str:
    "What the process prints; fails if it fails."
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def solved(path:Path) -> set: return set(Progress(path).kept('solved'))


@pytest.fixture
def path(tmp_path): return tmp_path/'progress.sqlite'


@pytest.fixture
def open_folder():
    "A folder that other users can enter, unlike pytest's own."
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


EIGHT = '''
print('ready', flush=True)
sys.stdin.readline()
for n in range(25):
    progress().keep('solved', f'{sys.argv[1]}/{n}', 'source')
    progress().keep('solved', f'shared/{n}', sys.argv[1])
    progress().keep('guesses', f'{sys.argv[1]}/{n}', '1')
'''


def begin_together(code:str, path:Path, count:int) -> list:
    "What `count` processes print that all begin to work at the same moment."
    writers = [start(code, path, n) for n in range(count)]
    for writer in writers: assert writer.stdout.readline() == 'ready\n'
    for writer in writers: print('go', file=writer.stdin, flush=True)
    return [finish(writer) for writer in writers]


def test_eight_writers_lose_nothing(path):
    assert begin_together(EIGHT, path, 8) == ['']*8
    own = {f'{writer}/{n}' for writer in range(8) for n in range(25)}
    assert solved(path) == own | {f'shared/{n}' for n in range(25)}
    assert set(Progress(path).kept('guesses')) == own


MID_TRANSACTION = '''
progress().keep('solved', 'kept/before', '')
db = connect(progress_path())
db.execute('pragma cache_size = 2')  # so that unfinished pages really reach the file
db.execute('begin immediate')
for n in range(2000): db.execute("insert into solved values (?, ?, '')", (f'lost/{n}', 'x'*500))
print('in the middle', flush=True)
sys.stdin.readline()
'''


def test_killed_in_mid_transaction(path):
    writer = start(MID_TRANSACTION, path)
    assert writer.stdout.readline() == 'in the middle\n'
    writer.kill()
    writer.communicate()
    assert path.stat().st_size > 100_000 and Path(f'{path}-journal').exists()  # half of it is there
    assert solved(path) == {'kept/before'}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute('pragma integrity_check').fetchall() == [('ok',)]


UNTIL_KILLED = '''
for n in range(1_000_000):
    progress().keep('solved', f'chapter/{n}', 'source')
    print(f'chapter/{n}', flush=True)
'''


def test_killed_while_writing_keeps_what_was_written(path):
    writer = start(UNTIL_KILLED, path)
    written = {writer.stdout.readline().strip() for _ in range(40)}
    writer.kill()
    written |= set(writer.communicate()[0].split())
    assert len(written) >= 40 and solved(path) >= written and len(solved(path)) <= len(written) + 1


def damaged_inside(path:Path):
    "A file that begins like a database and is nonsense further on."
    store = Progress(path)
    for n in range(50): store.keep('solved', f'chapter/{n}', 'x'*2000)
    data = bytearray(path.read_bytes())
    data[4096:] = b'\xa5'*(len(data) - 4096)
    path.write_bytes(data)


def damaged_whole(path:Path): path.write_bytes(b'no database at all '*500)


@pytest.mark.parametrize('spoil', [damaged_whole, damaged_inside])
def test_damaged_file_is_set_aside(path, spoil, capsys):
    spoil(path)
    before, store = path.read_bytes(), Progress(path)
    store.keep('solved', 'chapter/new', '')
    assert 'new' in str(store.kept('solved')) and solved(path) == {'chapter/new'}
    aside = path.with_name('progress.damaged-1.sqlite')
    assert aside.read_bytes() == before
    assert capsys.readouterr().out.count(aside.name) == 1
    path.write_bytes(before)  # damaged once more: the first one is not overwritten
    Progress(path).keep('solved', 'chapter/again', '')
    assert aside.read_bytes() == path.with_name('progress.damaged-2.sqlite').read_bytes() == before


def test_damage_found_by_four_at_once(path):
    damaged_whole(path)
    said = begin_together(EIGHT, path, 4)
    assert sorted(map(bool, said)) == [False, False, False, True]  # one says it
    assert len(list(path.parent.glob('*damaged*'))) == 1
    assert {f'{writer}/{n}' for writer in range(4) for n in range(25)} < solved(path)


READ_ONLY = '''
if os.geteuid() == 0: os.setuid(65534)  # to the superuser nothing is read-only
exercise = Exercise('chapter/new', [(1,)], lambda n: n, [])
for _ in range(3): assert exercise.check(lambda n: n).state == 'correct'
print(sorted(progress().kept('solved')), reset_progress().state)
'''


@pytest.mark.skipif(os.name == 'nt', reason='Windows does not protect a folder by its mode')
@pytest.mark.parametrize('earlier', [True, False])
def test_read_only_folder_does_not_stop_the_course(open_folder, earlier):
    path = open_folder/'progress.sqlite'
    if earlier: Progress(path).keep('solved', 'chapter/old', '')
    os.chmod(open_folder, 0o555)
    *said, result = finish(start(READ_ONLY, path)).splitlines()
    os.chmod(open_folder, 0o755)
    assert result == f"{['chapter/new'] + earlier*['chapter/old']} result"
    assert sum('cannot be kept' in line for line in said) == 1
    assert not earlier or solved(path) == {'chapter/old'}


@pytest.mark.skipif(os.name == 'nt', reason='needs a limit on the size of files')
def test_full_disk_does_not_stop_the_course(path):
    Progress(path).keep('solved', 'chapter/old', '')
    code = '''
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
progress().keep('solved', 'chapter/new', 'x'*100_000)
print(sorted(progress().kept('solved')))
'''
    *said, kept = finish(start(code, path)).splitlines()
    assert kept == "['chapter/new', 'chapter/old']" and 'cannot be kept' in said[0]
    assert solved(path) == {'chapter/old'}


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path/'file').write_text('')
    store = Progress(tmp_path/'file'/'progress.sqlite')
    for n in range(3): store.keep('solved', f'chapter/{n}', '')
    assert len(store.kept('solved')) == 3
    assert capsys.readouterr().out.count('cannot be kept') == 1


def test_passing_answer_and_reset(path, monkeypatch):
    monkeypatch.setenv('COURSE_PROGRESS', str(path))
    def double(n): return n + n
    Exercise('chapter/double', [(1,), (2,)], lambda n: 2*n, []).check(double)
    Progress(path).keep('guesses', 'chapter_two/guess', '1')
    assert 'return n + n' in Progress(path).kept('solved')['chapter/double'][0]
    card = reset_progress('chapter')
    assert 'chapter: 1 solved and 0 guessed' in repr(card) and solved(path) == set()
    assert set(Progress(path).kept('guesses')) == {'chapter_two/guess'}
    assert solved(path.with_name('progress.before-reset-1.sqlite')) == {'chapter/double'}
