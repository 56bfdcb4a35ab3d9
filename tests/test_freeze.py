"Freezing, in real kernels: outputs that can be read, a file that is never half-written."
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbdev.clean import clean_nb
from nbclient.exceptions import DeadKernelError

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
sys.path.append(str(TOOLS))
import freeze  # noqa: E402

from course_lib.workbench import explorables  # noqa: E402

CELLS = {
    'streams': """import sys
print('one'); print('careful', file=sys.stderr); print('two', flush=True)
for i in range(3): print(f'\\r{i} of 2', end='')""",
    'slider': """from ipywidgets import HTML, Button, HBox, Image, IntSlider, Label, Output
from ipywidgets import RadioButtons, VBox, interact
interact(lambda n: print('n is', n), n=IntSlider(3));""",
    'figure': """import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(2, 2)); axes.plot([1, 2]); plt.close(figure)
display(figure, metadata={'image/png': {'alt': 'A rising line'}})""",
    'output': """out = Output()
with out:
    print('inside')
    display(figure, metadata={'image/png': {'alt': 'The same line'}})
out""",
    'box': """import io
png = io.BytesIO(); figure.savefig(png)
VBox([HTML('<b>bold</b>'), Label('a < b'), Image(value=png.getvalue(), tooltip='A copy'),
      RadioButtons(options=['yes', 'no'], description='Is it?')])""",
    'buttons': """VBox([HBox([Label('Say it'), Button(description='Say')]),
      HBox([Label('Which?'), Button(description='this'), Button(description='that')])])""",
    'own': """class Explorable(IntSlider):
    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, 'text/plain': 'slider', 'text/html': '<p>live</p>'}
Explorable()""",
    'where': """import os
from pathlib import Path
assert os.environ['OMP_NUM_THREADS'] == '1' and 'IN_TEST' not in os.environ
Path.cwd().name, Path(os.environ['COURSE_PROGRESS']).exists(), list({'a', 'b', 'c', 'd'})""",
}
TAGS = {'jupyter': {'source_hidden': True}, 'tags': ['solution', 'hide-input']}


def write(path, cells, **metadata):
    "A notebook of code cells {id: source}, as the course keeps it."
    nb = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell(source, id=name, metadata=metadata)
        for name, source in cells.items()])
    nb.metadata = {
        'kernelspec': {'display_name': 'python3', 'language': 'python', 'name': 'python3'}}
    nbformat.write(nb, path)
    return path


def outputs(path):
    "Each cell's outputs in short: {id: [(kind, text), ...]}."
    def short(output):
        if output.output_type == 'stream':
            return output.name, output.text
        kinds = [kind for kind in ('text/html', 'image/png', 'text/plain') if kind in output.data]
        alt = output.metadata.get('image/png', {}).get('alt')
        return kinds[0], alt or output.data[kinds[0]]
    return {c.id: [short(o) for o in c.outputs] for c in nbformat.read(path, 4).cells}


@pytest.fixture(scope='module')
def notebook(tmp_path_factory):
    "A notebook with streams, figures and widgets, frozen once."
    path = write(tmp_path_factory.mktemp('lesson') / 'small.ipynb', CELLS, **TAGS)
    os.environ['IN_TEST'] = '1'
    try:
        assert freeze.freeze(path) > 0
    finally:
        del os.environ['IN_TEST']
    return path


def test_widgets_are_replaced_by_what_they_show(notebook):
    shown = outputs(notebook)
    assert shown['streams'] == [('stdout', 'one\ntwo\n2 of 2'), ('stderr', 'careful\n')]
    assert shown['slider'] == [('stdout', 'n is 3\n')]
    assert shown['figure'] == [('image/png', 'A rising line')]
    assert shown['output'] == [('stdout', 'inside\n'), ('image/png', 'The same line')]
    assert shown['box'] == [
        ('text/html', '<b>bold</b>'), ('text/html', 'a &lt; b'), ('image/png', 'A copy'),
        ('text/html', '<p>Is it?</p><ul><li>yes</li><li>no</li></ul>')]
    assert shown['buttons'] == [('text/html', t) for t in (
        'Say it', 'Which?', '<ul><li>this</li></ul>', '<ul><li>that</li></ul>')]
    assert shown['own'] == [('text/html', '<p>live</p>')]
    assert notebook.parent.name in shown['where'][0][1] and 'False' in shown['where'][0][1]


def test_only_outputs_are_written(notebook):
    raw = json.loads(notebook.read_text(encoding='utf-8'))
    cells = {c['id']: ''.join(c['source']) for c in raw['cells']}
    assert cells == CELLS
    assert all(c['metadata'] == TAGS and c['execution_count'] is None for c in raw['cells'])
    assert list(raw['metadata']) == ['kernelspec']
    assert 'widget' not in json.dumps([c['outputs'] for c in raw['cells']])
    before = json.dumps(raw)
    clean_nb(raw, allowed_cell_metadata_keys=['jupyter', 'tags'], clean_ids=False)
    assert json.dumps(raw) == before


def test_a_second_run_changes_nothing(notebook):
    before, written = notebook.read_bytes(), notebook.stat().st_mtime_ns
    assert freeze.freeze(notebook) == 0
    assert notebook.read_bytes() == before and notebook.stat().st_mtime_ns == written
    assert [p.name for p in notebook.parent.iterdir()] == ['small.ipynb']


REFUSED = {
    'an error': ('x = 1\n1 / 0', 'cell bad failed\n\nx = 1\n1 / 0\n\nZeroDivisionError'),
    'an error in a widget': ('from ipywidgets import interact\ndef show(n=1): 1 / n - 1 / 0\n'
                             'interact(show);', r'bad\]: an error, ZeroDivisionError'),
    'a warning': ('import warnings; warnings.warn("old")', 'UserWarning'),
    'a path': ('import os; print(os.__file__, "/ho" "me/ann/x")', 'an absolute path'),
    'an address': ('object()', 'a memory address'),
}


@pytest.mark.parametrize('source, message', REFUSED.values(), ids=REFUSED)
def test_a_bad_output_is_refused_and_the_file_stays(tmp_path, source, message):
    path = write(tmp_path / 'bad.ipynb', {'bad': source})
    before = path.read_bytes()
    with pytest.raises(freeze.FreezeError, match=message):
        freeze.freeze(path)
    assert path.read_bytes() == before


def test_measured_times_stay_until_asked_for(tmp_path):
    report = """import time
print(f'ours {time.perf_counter_ns()} ns' + ' ' * (time.perf_counter_ns() % 7), 'faster')"""
    path = write(tmp_path / 'times.ipynb', {'times': report}, tags=['timing'])
    freeze.freeze(path)
    before = path.read_bytes()
    assert freeze.freeze(path) == 0 and path.read_bytes() == before
    assert freeze.freeze(path, timing=True) > 0
    path.write_text(path.read_text().replace("'faster'", "'slower'"))
    assert freeze.freeze(path) > 0 and 'slower' in outputs(path)['times'][0][1]


def test_a_shared_style_does_not_hide_that_only_times_differ(tmp_path):
    card = """import time
from IPython.display import HTML
HTML(f'<style data-source="card">b {{}}</style><b>{time.perf_counter_ns()} ns</b>')"""
    path = write(tmp_path / 'cards.ipynb', {'first': card, 'second': card}, tags=['timing'])
    freeze.freeze(path)
    assert str(outputs(path)).count('<style') == 1 and freeze.freeze(path) == 0


def test_the_outline_of_a_table_ignores_only_numbers():
    def outline(text):
        return freeze.outline([nbformat.v4.new_output('stream', text=text)])
    assert outline('| ours |  9.5 µs | 1.02× |\n|--|') == outline('| ours | 12 ms | 0.9× |\n|---|')
    assert outline('ours 3 ms') != outline('torch 3 ms')
    assert outline('ours 3 ms') != outline('ours')


@pytest.mark.parametrize('path', freeze.notebook_paths(freeze.ROOT), ids=lambda path: path.stem)
def test_stored_explorables_carry_their_scripts_as_they_stand(path):
    "The book and a page without a kernel show these. To mend: python tools/freeze.py --pages"
    nb = nbformat.read(path, 4)
    assert freeze.with_pages_renewed(nb) == nb


def test_an_older_page_is_renewed_with_its_state_and_picture(tmp_path, monkeypatch):
    state, ways = {'truth': [1, 'NaN'], 'alt': 'Two <curves>'}, []
    script, style = explorables.read_script('boosting')
    for javascript in ('// older', script):
        monkeypatch.setattr(explorables, 'read_script', lambda name: (javascript, style))
        ways.append(explorables.to_page('boosting', state, b'picture', 'Two <curves>'))
    path = write(tmp_path / 'pages.ipynb', {'made': 'explore()', 'twice': 'explore()'})
    nb = nbformat.read(path, 4)
    for cell in nb.cells:
        cell.outputs = [freeze.display('text/html', ways[0]), freeze.display('text/html', '<p>')]
    nbformat.write(nb, path)
    assert freeze.freeze(path, pages=True) > 0
    first, second = outputs(path).values()
    assert first == [('text/html', ways[1]), ('text/html', '<p>')]
    assert second[0] == ('text/html', freeze.SOURCE.sub('', ways[1]))          # the script is there
    assert freeze.freeze(path, pages=True) == 0


# a kernel says that it has come so far, and stays there
SAYS = "import os, time, pathlib; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
STARTS = f"import sys\nif 'ipykernel_launcher' in sys.orig_argv:\n    {SAYS}"


@pytest.mark.skipif(os.name == 'nt', reason='no such signals on Windows')
@pytest.mark.parametrize('start, cell', [(STARTS, 'print(1)'), ('', SAYS)],
                         ids=['while the kernel starts', 'while a cell runs'])
def test_an_interrupted_run_stops_and_leaves_the_file_and_no_kernel(tmp_path, start, cell):
    path = write(tmp_path / 'slow.ipynb', {'first': 'print(1)', 'slow': cell})
    later = write(tmp_path / 'later.ipynb', {'one': '1 + 1'})
    before = path.read_bytes()
    (tmp_path / 'on_path').mkdir()
    (tmp_path / 'on_path' / 'sitecustomize.py').write_text(start)
    run = subprocess.Popen([sys.executable, TOOLS / 'freeze.py', path, later],
                           env=os.environ | {'PYTHONPATH': str(tmp_path / 'on_path')},
                           stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not ((tmp_path / 'pid').exists() and (tmp_path / 'pid').read_text()):
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, message = run.communicate(timeout=30)
    assert run.returncode and b'interrupted' in message and b'Traceback' not in message, message
    assert path.read_bytes() == before and outputs(later) == {'one': []}
    left = ['later.ipynb', 'on_path', 'pid', 'slow.ipynb']
    assert sorted(p.name for p in tmp_path.iterdir()) == left
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / 'pid').read_text()), 0)


@pytest.mark.skipif(os.name == 'nt', reason='no such signals on Windows')
def test_two_signals_at_once_end_the_run_and_its_kernel():
    async def interrupted():
        cell = nbformat.v4.new_code_cell('import time; time.sleep(60)')
        client = freeze.Client(nbformat.v4.new_notebook(cells=[cell]))
        run = asyncio.ensure_future(client.async_execute())
        while client.km is None or not client.km.has_kernel:
            assert not run.done()
            await asyncio.sleep(0.1)
        manager, signals = client.km, []
        send = manager.provisioner.send_signal
        manager.provisioner.send_signal = lambda number: (signals.append(number), send(number))[1]
        await asyncio.gather(*(client._async_cleanup_kernel() for _ in range(2)))
        with pytest.raises((asyncio.CancelledError, DeadKernelError)):
            await run
        # no interrupt: a kernel that heard one would print a traceback before it ends
        assert set(signals) == {signal.SIGKILL}
        return await manager.is_alive()
    assert freeze.run_sync(interrupted)() is False


def test_a_kernel_that_cannot_start_is_told(tmp_path):
    path = write(tmp_path / 'plain.ipynb', {'one': '1 + 1'})
    (tmp_path / 'sitecustomize.py').write_text(STARTS.replace(SAYS, 'import os; os._exit(1)'))
    command = [sys.executable, TOOLS / 'freeze.py', path]
    run = subprocess.run(command, capture_output=True, text=True,
                         env=os.environ | {'PYTHONPATH': str(tmp_path)})
    assert run.returncode == 1 and outputs(path) == {'one': []}
    assert 'the kernel died: Kernel died before' in run.stderr and 'Traceback' not in run.stderr


def test_a_failed_write_leaves_the_file(tmp_path, monkeypatch):
    path = write(tmp_path / 'plain.ipynb', {'one': '1 + 1'})
    before = path.read_bytes()

    def full(*_):
        raise OSError('no space left')
    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='no space'):
        freeze.write(path, 'half of it')
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_notebook_that_is_not_there_is_told(tmp_path):
    command = [sys.executable, TOOLS / 'freeze.py', tmp_path / 'none.ipynb']
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2 and 'there is no notebook' in run.stderr
    assert 'Traceback' not in run.stderr


def test_the_command_names_the_cell_and_goes_on(tmp_path):
    bad = write(tmp_path / 'bad.ipynb', {'bad': 'missing'})
    fine = write(tmp_path / 'fine.ipynb', {'one': '1 + 1'})
    command = [sys.executable, TOOLS / 'freeze.py', bad, fine]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert 'NOT FROZEN' in run.stderr and "NameError: name 'missing'" in run.stderr
    assert 'fine.ipynb: ' in run.stdout and outputs(fine)['one'] == [('text/plain', '2')]
