"""A real browser and a real JupyterLab for pytest.

`browser`: headless Chromium. `lab`: a JupyterLab on a copy of the notebooks, for this machine only.
`labpage`: a page in which `open(path)` shows a notebook and `run_all()` runs it. Without Chromium
the tests that ask for one are skipped; set CHROMIUM to its path if it is not found.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'
PLACES = (
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    r'C:\Program Files\Google\Chrome\Application\chrome.exe',
    r'C:\Program Files (x86)\Google\Chrome\Application\chrome.exe',
    r'C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe',
)
QUIET = ('--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage')
NO_BROWSER = 'no Chromium or Chrome found: install one, or set CHROMIUM to the path of its program'


def find_chromium():
    "Path of a Chromium, or None."
    if os.environ.get('CHROMIUM'):
        return os.environ['CHROMIUM']
    found = [shutil.which(name) for name in NAMES]
    found += [place for place in PLACES if Path(place).exists()]
    return next(filter(None, found), None)


@pytest.fixture(scope='session')
def browser():
    "A headless Chromium."
    path = find_chromium()
    if not path:
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        if running := os.environ.get('COURSE_BROWSER'):  # the address of one that is shared
            chromium = playwright.chromium.connect_over_cdp(running)
        else:
            chromium = playwright.chromium.launch(executable_path=path, args=QUIET, headless=True)
        yield chromium
        chromium.close()


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def lab_environment(folder):
    "Environment of a JupyterLab that reads and writes nothing outside `folder`."
    own = {name: str(folder / name.lower()) for name in (
        'JUPYTER_CONFIG_DIR', 'JUPYTER_DATA_DIR', 'JUPYTER_RUNTIME_DIR', 'IPYTHONDIR',
        'JUPYTERLAB_SETTINGS_DIR', 'JUPYTERLAB_WORKSPACES_DIR', 'MPLCONFIGDIR')}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))
    return {**os.environ, **own, 'JUPYTER_PLATFORM_DIRS': '1', 'PYTHONPATH': path,
            'MPLBACKEND': 'module://matplotlib_inline.backend_inline',
            'OMP_NUM_THREADS': '1',  # tests run side by side, one on each core
            'COURSE_PROGRESS': str(folder / 'progress.sqlite')}


def write_settings(folder):
    "No questions about news; every output in the page, also those off the screen."
    overrides = {
        '@jupyterlab/apputils-extension:notification':
            {'fetchNews': 'false', 'checkForUpdates': False},
        '@jupyterlab/notebook-extension:tracker': {'windowingMode': 'contentVisibility'},
    }
    folder.mkdir()
    (folder / 'overrides.json').write_text(json.dumps(overrides))
    return folder


def wait_until_up(server, url, log):
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f'JupyterLab ended: {log.read_text()[-3000:]}')
        with contextlib.suppress(OSError), urllib.request.urlopen(url + '/api/status', timeout=1):
            return
        time.sleep(.1)
    raise TimeoutError('JupyterLab did not start within a minute')


def stop(server):
    "End the server and its kernels, and nothing else."
    if os.name == 'posix':
        os.killpg(server.pid, signal.SIGTERM)
    else:
        server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()


@pytest.fixture(scope='session')
def lab(browser, tmp_path_factory):
    "A JupyterLab on a copy of the notebooks: (its address, the folder of the copy)."
    folder = tmp_path_factory.mktemp('lab')
    notebooks = folder / 'course' / 'nbs'
    shutil.copytree(ROOT / 'nbs', notebooks, ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
    if (ROOT / 'data').exists():
        shutil.copytree(ROOT / 'data', folder / 'course' / 'data')
    port, log = free_port(), folder / 'lab.log'
    command = [
        sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root',
        '--ServerApp.ip=127.0.0.1', f'--ServerApp.port={port}', '--ServerApp.port_retries=0',
        '--IdentityProvider.token=', '--ServerApp.password=',
        f'--ServerApp.root_dir={notebooks}', '--LabApp.news_url=None',
        f'--LabApp.app_settings_dir={write_settings(folder / "app")}',
        '--LabApp.expose_app_in_browser=True']
    with log.open('w') as out:
        server = subprocess.Popen(command, env=lab_environment(folder), stdout=out,
                                  stderr=subprocess.STDOUT, start_new_session=os.name == 'posix')
    url = f'http://127.0.0.1:{port}'
    try:
        wait_until_up(server, url, log)
        yield url, notebooks
    finally:
        stop(server)


RUN_ALL = '''async seconds => {
  const run = async () => {
    const app = window.jupyterapp;
    await app.started;
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await app.commands.execute('notebook:run-all-cells');
  };
  const late = new Promise((_, fail) =>
    setTimeout(() => fail(Error('not done after ' + seconds + ' seconds')), seconds * 1000));
  await Promise.race([run(), late]);
}'''
ERRORS = '''() => jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap(cell =>
  (cell.outputs ?? []).filter(output => output.output_type === 'error')
    .map(output => cell.id + ': ' + output.ename + ': ' + output.evalue))'''
RUN_CELL = '''async ([id, source]) => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.sessionContext.ready;
  const { content } = panel;
  content.activeCellIndex = content.widgets.findIndex(cell => cell.model.id === id);
  if (source !== null) content.activeCell.model.sharedModel.setSource(source);
  await window.jupyterapp.commands.execute('notebook:run-cell');
  return content.activeCell.outputArea.node.innerText;
}'''
SHUT_DOWN = 'async () => { await window.jupyterapp?.serviceManager.sessions.shutdownAll(); }'
PRINTED = '''async code => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const done = kernel.requestExecute({ code, store_history: false });
  let printed = '';
  done.onIOPub = ({ content }) => { if (content.name === 'stdout') printed += content.text; };
  await done.done;
  return printed;
}'''
EXPLORABLES = '''() => jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap(cell =>
  (cell.outputs ?? []).filter(output =>
    [output.data?.['text/html']].flat().join('').includes('class="explorable-'))).length'''


class LabPage:
    "One notebook, open in JupyterLab."
    def __init__(self, page, address):
        self.page, self.address, self.page_errors = page, address, []
        page.on('pageerror', lambda error: self.page_errors.append(str(error)))

    def open(self, path):
        self.page.goto(f'{self.address}/lab/workspaces/test/tree/{path}?reset')
        self.page.wait_for_selector('.jp-Notebook .jp-Cell', timeout=60_000)

    def run_all(self, seconds=600):
        "Run every cell; returns the errors that the notebook holds afterwards."
        self.page.evaluate(RUN_ALL, seconds)
        return self.page.evaluate(ERRORS)

    def run_cell(self, cell_id, source=None):
        "Run one cell, with another source if one is given; the text of its output."
        return self.page.evaluate(RUN_CELL, [cell_id, source])

    def shut_down(self):
        "End all kernels."
        self.page.evaluate(SHUT_DOWN)

    def printed(self, code):
        "What `code` prints in the notebook's kernel."
        return self.page.evaluate(PRINTED, code)

    def count_explorables(self):
        "How many outputs of the notebook hold an explorable."
        return self.page.evaluate(EXPLORABLES)

    def theme(self, name):
        "'JupyterLab Light' or 'JupyterLab Dark'"
        self.page.evaluate('''async theme => {
          await jupyterapp.commands.execute('apputils:change-theme', { theme });
        }''', name)
        self.page.wait_for_selector(f'body[data-jp-theme-name="{name}"]', state='attached')


@pytest.fixture
def labpage(lab, browser):
    page = browser.new_page(viewport={'width': 1300, 'height': 900})
    labpage = LabPage(page, lab[0])
    yield labpage
    labpage.shut_down()  # else the kernels of all notebooks fill the memory
    page.close()
