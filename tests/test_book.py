"""The static book: complete, linked, self-contained, usable by everybody, also as files."""
import ast
import functools
import http.server
import re
import runpy
import statistics
import subprocess
import sys
import tempfile
import threading
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zlib import crc32

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / 'tools'))
import book as maker  # noqa: E402
from notebooks import notebooks  # noqa: E402

from course_lib.losses import cross_entropy  # noqa: E402

NOTEBOOKS = notebooks(ROOT)
BOOK = ROOT / 'book' / '_build' / 'html'
MADE_OF = ('nbs/**/*.ipynb', 'course_lib/**/*.*', 'book/*.*', 'book/static/*', 'tools/book.py',
           'tools/notebooks.py', 'settings.ini')


def page_of(nb):
    "The page of a notebook, without .html."
    return nb.path.relative_to(ROOT / 'nbs').with_suffix('').as_posix()


DOCUMENTS = ['index', 'questions', 'class', 'search', 'genindex', *map(page_of, NOTEBOOKS),
             *(f'api/{nb.module}' for nb in NOTEBOOKS if nb.module)]
CHAPTERS = [page_of(nb) for nb in NOTEBOOKS if nb.number]
EXPLORABLE = 'class="explorable-'
PLAYED = [page_of(nb) for nb in NOTEBOOKS
          if any(EXPLORABLE in ''.join(output.get('data', {}).get('text/html', ''))
                 for cell in nb.code for output in cell.outputs)]


def is_current():
    "Whether the book is there and newer than all that it is made of."
    made = BOOK / 'index.html'
    return made.exists() and made.stat().st_mtime > max(
        path.stat().st_mtime for pattern in MADE_OF for path in ROOT.glob(pattern)
        if path.suffix != '.pyc')


@pytest.fixture(scope='session')
def book():
    "The folder of the book, built first where it is missing or old."
    with FileLock(Path(tempfile.gettempdir(), f'book-{crc32(str(ROOT).encode())}.lock')):
        if not is_current():
            built = subprocess.run([sys.executable, 'tools/book.py'], cwd=ROOT, text=True,
                                   capture_output=True)
            assert built.returncode == 0, built.stdout + built.stderr
    return BOOK


# --- the files -----------------------------------------------------------------------------------
class Page(HTMLParser):
    "The ids of a page, and what it links to and loads."
    def __init__(self, text):
        super().__init__()
        self.text, self.ids, self.links, self.loads = text, set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[key] for key in ('id', 'name') if found.get(key)}
        if tag == 'a' and found.get('href'):
            self.links.append(found['href'])
        if tag != 'a':
            self.loads += [found[key] for key in ('src', 'href') if found.get(key)]


@pytest.fixture(scope='session')
def pages(book):
    "Path → page, of every page of the book."
    return {path.resolve(): Page(path.read_text('utf-8')) for path in book.rglob('*.html')}


def page_named(pages, name):
    return pages[(BOOK / f'{name}.html').resolve()]


def test_every_page_is_there(book):
    missing = [name for name in DOCUMENTS if not (book / f'{name}.html').exists()]
    assert not missing


def test_no_broken_link_or_anchor(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target in pages if target.suffix == '.html' else target.exists()
            anchor = unquote(parts.fragment)
            if not there or anchor and target in pages and anchor not in pages[target].ids:
                broken.append(f'{path.name}: {link}')
    assert not broken, '\n'.join(broken)


def test_nothing_is_loaded_from_elsewhere(pages):
    foreign = {f'{path.name}: {load[:80]}' for path, page in pages.items() for load in page.loads
               if urlsplit(load).scheme not in ('', 'data') or load.startswith('//')}
    assert not foreign


def test_the_book_is_small(book):
    size = sum(path.stat().st_size for path in book.rglob('*') if path.is_file())
    assert size <= 25e6, f'{size / 1e6:.1f} MB'


def test_each_chapter_follows_the_last(pages):
    for before, after in zip(CHAPTERS, CHAPTERS[1:]):
        assert f'{after}.html' in page_named(pages, before).links
        assert f'{before}.html' in page_named(pages, after).links


def test_the_map_leads_to_each_chapter(pages):
    assert {f'{name}.html' for name in CHAPTERS} <= set(page_named(pages, 'index').links)


def test_the_start_lists_each_chapter():
    start, = (nb for nb in NOTEBOOKS if nb.name.startswith('nbs/00_'))
    shown = ' '.join(str(output) for cell in start.code for output in cell.outputs)
    missing = [nb.name for nb in NOTEBOOKS if nb.number and nb.path.name not in shown]
    assert not missing, 'store the map again: make freeze NB=nbs/00_start.ipynb'


def test_the_front_pages_know_which_chapters_there_are():
    "What the book says is still to be written, and the chapters to which the README links."
    text = (ROOT / 'book' / 'front.md').read_text('utf-8')
    sentence = re.search(r'Chapters ([\d\s,and to]+) are still to be written', text)[1]
    ranges = [list(map(int, part.split(' to '))) for part in re.split(r',\s*|\s+and\s+', sentence)]
    unwritten = {n for first, *last in ranges for n in range(first, (last or [first])[0] + 1)}
    numbers = {nb.number for nb in NOTEBOOKS if nb.number is not None}
    assert unwritten == set(range(21)) - numbers
    readme = (ROOT / 'README.md').read_text('utf-8')
    assert [nb.name for nb in NOTEBOOKS if nb.number and f'({nb.name})' not in readme] == []


def test_each_question_leads_to_its_cell(pages):
    links = page_named(pages, 'questions').links
    answered = [link for link in links if '#ledger-' in link]
    marked = sum(len([i for i in page.ids if i.startswith('ledger-')]) for page in pages.values())
    assert len(answered) == len(set(answered)) == marked > 50


def test_solutions_are_there_and_folded(pages):
    for nb in NOTEBOOKS:
        solutions = [cell for cell in nb.code if 'solution' in cell.tags]
        page = page_named(pages, page_of(nb)).text
        folded = re.findall(r'<details class="[^"]*hide[^"]*"[^>]*>', page)
        assert len(folded) >= len(solutions), nb.name
        assert not any(' open' in tag for tag in folded), nb.name
        labels = [page.count(f'>Show the {what}</p>') for what in ('solution', 'check')]
        assert sum(labels) == len(solutions)
        assert labels[0] == sum('.prove(' in cell.source for cell in solutions), nb.name


def tables_of(nb):
    "How many tables a notebook's texts and outputs hold, in Markdown."
    texts = [cell.source for cell in nb.cells if not cell.code]
    texts += [''.join(output.get('data', {}).get('text/markdown', ''))
              for cell in nb.code for output in cell.outputs]
    return sum(len(re.findall(r'^ *\|[ :|-]+\|$', text, flags=re.M)) for text in texts)


@pytest.mark.parametrize('nb', NOTEBOOKS, ids=page_of)
def test_tables_are_tables(pages, nb):
    text = page_named(pages, page_of(nb)).text
    assert not re.findall(r'<p>\|.*', text)
    assert len(re.findall(r'<table class="docutils', text)) == tables_of(nb)


@pytest.mark.parametrize('nb', [nb for nb in NOTEBOOKS if nb.module], ids=page_of)
def test_signatures_are_python(nb):
    blocks = re.findall(r'```python\n(.*?)```', maker.interface(nb), re.S)
    assert blocks
    for block in blocks:
        ast.parse(f'def {re.sub("  # .*", "", block).strip()}: pass')


def test_signatures_say_how_to_call():
    def patched(x, *, scale: Path = None, by=lambda t: t): pass
    assert maker.signature(patched, 'best', bound=True) == 'best(*, scale: Path = None, by=...)'

    noted = maker.signature(cross_entropy, 'f')
    assert re.fullmatch(r'f\(\n(    [*\w]+(: \w+)?( = \S+)?, *( # .+)?\n)+\) -> Tensor.*', noted), noted


def test_code_in_what_cells_show_keeps_its_quotes(pages):
    for nb in NOTEBOOKS:
        for shown in re.findall(r'<table class="docutils.*?</table>',
                                page_named(pages, page_of(nb)).text, re.S):
            assert not re.search(r'[(=\[{]\s*[‘’]', shown), nb.name


def test_code_holds_nothing_but_colours(pages):
    "What `test_page` relies on, where it looks at each colour of code in each kind of place once."
    for path, page in pages.items():
        for code in re.findall(r'<div class="highlight"><pre.*?</pre>', page.text, re.S):
            inside = code.split('>', 2)[2].removesuffix('</pre>')
            assert not re.sub(r'<span(?: class="[\w ]*")?>|</span>|[^<>]', '', inside), path.name


# --- in the browser ------------------------------------------------------------------------------
@pytest.fixture(scope='session')
def axe():
    "The source of axe-core."
    return resources.files('axe_playwright_python').joinpath('axe.min.js').read_text('utf-8')


READY = '''async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const poster = el => !el.querySelector('button, input, [tabindex], svg');
  const start = performance.now();
  while (document.readyState !== 'complete'
         || [...document.querySelectorAll('[class^=explorable-]')].some(poster)) {
    if (performance.now() - start > 20000) throw Error('an explorable does not start');
    await frame();
  }
  await window.MathJax?.startup?.promise;
  await frame();
}'''


@pytest.fixture
def visit(book, browser):
    "A function that opens a page of the book: (page, what went wrong)."
    opened = []

    def open_page(name, width=1280, address=None, **options):
        context = browser.new_context(viewport={'width': width, 'height': 900}, **options)
        page, wrong = context.new_page(), []
        opened.append(context)
        own = address or 'file:'
        page.on('pageerror', lambda error: wrong.append(f'error: {error}'))
        page.on('console', lambda message: wrong.append(f'console: {message.text}')
                if message.type == 'error' else None)
        page.on('request', lambda request: wrong.append(f'asks for {request.url}')
                if not request.url.startswith((own, 'data:', 'blob:')) else None)
        page.on('requestfailed', lambda request: wrong.append(f'missing: {request.url}'))
        page.goto(f'{address or book.as_uri()}/{name}')
        if options.get('java_script_enabled', True):
            page.evaluate(READY)
        return page, wrong
    yield open_page
    for context in opened:
        context.close()


OPEN = "() => document.querySelectorAll('details').forEach(details => { details.open = true; })"
# axe-core takes minutes for thousands of coloured words: one of each colour in each place stays
THIN = '''() => {
  const seen = new Set();
  for (const code of document.querySelectorAll('div.highlight pre')) {
    let place = '';
    for (let at = code; at; at = at.parentElement) place += at.className + '/';
    for (const word of code.querySelectorAll('span')) {
      const key = place + word.className;
      if (seen.has(key)) word.replaceWith(...word.childNodes);
      seen.add(key);
    }
    code.normalize();
  }
}'''
AXE = '''async rules => {
  document.body.getBoundingClientRect();  // starts what moves to other colours; then it has arrived
  await Promise.all(document.getAnimations().filter(moving =>
    moving.effect.getComputedTiming().endTime < 10000).map(moving => moving.finished));
  const options = { resultTypes: ['violations'], preload: false };  // asks for no style sheet
  if (rules) options.runOnly = rules;
  const { violations } = await axe.run(document, options);
  return violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]);
}'''
# what has the mouse's hand lies in something that takes the focus, or is the label of such a thing
# (in an explorable the mouse may have short cuts: its own tests prove that keys do the same)
MOUSE_ONLY = '''() => [...document.querySelectorAll('body *')].filter(el =>
  getComputedStyle(el).cursor === 'pointer' && el.checkVisibility()
  && !el.closest('a[href], button, input, select, textarea, summary, [tabindex]')
  && !el.closest('[class^=explorable-]')
  && !el.closest('label')?.control).map(el => el.outerHTML.slice(0, 200))'''
JUMPS = "() => [...document.querySelectorAll('[tabindex]')].filter(el => el.tabIndex > 0).length"
UNSET = "() => document.querySelectorAll('.math:not(:has(mjx-container)), mjx-merror').length"
WIDE = '''() => ['html', 'body', '.main', '.content'].filter(place => {
  const { scrollWidth, clientWidth } = document.querySelector(place);
  return scrollWidth > clientWidth;
})'''


@pytest.mark.parametrize('name', DOCUMENTS)
def test_page(visit, axe, name):
    "No script error, no other host, formulas set, axe-core content, light, dark, as wide as it is."
    page, wrong = visit(f'{name}.html')
    page.evaluate(OPEN)
    assert page.evaluate(UNSET) == 0
    assert page.evaluate(MOUSE_ONLY) == [] and page.evaluate(JUMPS) == 0
    page.evaluate(THIN)
    page.add_script_tag(content=axe)
    assert page.evaluate(AXE, None) == []
    page.emulate_media(color_scheme='dark')
    assert page.evaluate(AXE, ['color-contrast']) == []
    for width in (1366, 1024, 768, 360):
        page.set_viewport_size({'width': width, 'height': 740})
        page.evaluate(READY)
        assert page.evaluate(WIDE) == [], width
    assert page.evaluate(AXE, ['scrollable-region-focusable', 'button-name', 'region']) == []
    assert not wrong, wrong


# --- explorables ---------------------------------------------------------------------------------
PICTURE = """el => el.innerHTML
  + [...el.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()).join()"""
# calls of `press` promise how long it is from the next key to a picture that is laid out, or null:
# drawn by what listens to the key, or (where no listener changed it) in one of the next frames
WATCH = '''el => {
  const picture = PICTURE;
  let start, before, done;
  const measure = () => { el.getBoundingClientRect(); return performance.now() - start; };
  const answer = async took => {
    for (let i = 0; i < 12 && picture(el) === before; i++) {
      await new Promise(requestAnimationFrame);
      took = measure();
    }
    done(picture(el) === before ? null : took);
  };
  addEventListener('keydown', () => {
    let took;
    const drawn = () => { took = measure(); };
    const events = ['keydown', 'input', 'change', 'click'];
    for (const event of events) addEventListener(event, drawn);
    setTimeout(() => {
      for (const event of events) removeEventListener(event, drawn);
      answer(took ?? measure());
    });
    start = performance.now();
  }, true);
  window.await_key = () => {
    before = picture(el);
    window.answer = new Promise(resolve => { done = resolve; });
  };
}'''.replace('PICTURE', PICTURE)
CONTROLS = (  # where one can be found, one that goes on: a button may come to an end
    'input[type=range], [role=slider], [role=spinbutton]', '[tabindex="0"]',
    'select, input, button')
GOAL = 16  # milliseconds; three times that where tests run side by side
PAIRS = ('ArrowRight', 'ArrowLeft'), ('ArrowDown', 'ArrowUp'), ('Enter', 'Enter')


def press(page, key):
    "Milliseconds from a key to the changed picture, or None where nothing changes."
    page.evaluate('await_key()')
    page.keyboard.press(key)
    return page.evaluate('answer')


def find_control(page, explorable):
    "Focus a control of the explorable that answers to keys; the two keys, there and back."
    for kind in CONTROLS:
        for control in explorable.query_selector_all(kind):
            for pair in PAIRS if control.is_visible() and control.is_enabled() else ():
                control.focus()
                press(page, pair[0])
                if press(page, pair[1]) and press(page, pair[0]):
                    return pair[::-1]


@pytest.mark.parametrize('name', PLAYED)
def test_explorables_answer_to_keys(visit, name):
    "Each is drawn, in other colours in the dark, and answers to a key at once."
    page, wrong = visit(f'{name}.html')
    found = page.query_selector_all('[class^=explorable-]')
    assert found
    for number, explorable in enumerate(found, 1):
        assert explorable.query_selector('svg, canvas, table, button')
        ink = [explorable.evaluate('el => getComputedStyle(el.firstElementChild).color')
               for scheme in ('dark', 'light') if not page.emulate_media(color_scheme=scheme)]
        assert ink[0] != ink[1]
        explorable.evaluate(WATCH)
        keys = find_control(page, explorable)
        assert keys, f'no key changes explorable {number}'
        medians = []
        while not medians or min(medians) > GOAL and len(medians) < 5:  # others use the machine too
            times = [press(page, key) for _ in range(10) for key in keys]
            assert None not in times
            medians.append(statistics.median(times))
        print(f'\n{name}, explorable {number}: {min(medians):.1f} ms from key to picture')
        assert min(medians) <= 3 * GOAL
    assert not wrong, wrong


# --- the keyboard --------------------------------------------------------------------------------
# of radio buttons with one name Tab reaches one
EXPECTED = '''() => {
  const visible = el => el.checkVisibility({ visibilityProperty: true });
  const one = el => el.type !== 'radio' || el.checked
    || !document.querySelector(`input[name="${el.name}"]:checked`);
  window.visited = new Set();
  document.addEventListener('focusin', event => visited.add(event.target));
  window.expected = [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex]')].filter(el =>
    el.tabIndex >= 0 && !el.disabled && visible(el) && one(el));
  return expected.length;
}'''
MISSED = '''() => [
  ...expected.filter(el => !visited.has(el))
    .map(el => 'not reached: ' + el.outerHTML.slice(0, 150)),
  ...[...visited].filter(el => !el.checkVisibility({ visibilityProperty: true }))
    .map(el => 'unseen: ' + el.outerHTML.slice(0, 150))]'''


@pytest.mark.parametrize('width, name', [
    *((1280, name) for name in DOCUMENTS),
    *((360, name) for name in ('index', 'questions', '09_weight_decay', 'api/layers'))])
def test_tab_reaches_everything(visit, name, width):
    "The Tab key leads to each link, button, slider and place that scrolls, and to nothing unseen."
    page, wrong = visit(f'{name}.html', width)
    for _ in range(page.evaluate(EXPECTED)):
        page.keyboard.press('Tab')
    assert page.evaluate(MISSED) == []
    assert not wrong, wrong


def test_drawers_by_keyboard(visit):
    "On a phone the list of pages opens by Enter, takes the focus, and closes by Escape."
    page, wrong = visit('02_autograd.html', 360)
    for name, drawer in (('All pages', '.sidebar-drawer'), ('On this page', '.toc-drawer')):
        button, links = page.get_by_role('button', name=name), page.locator(f'{drawer} a:visible')
        assert not links.count() and button.get_attribute('aria-expanded') == 'false'
        button.press('Enter')
        assert links.count() > 5 and button.get_attribute('aria-expanded') == 'true'
        assert page.evaluate('drawer => document.activeElement.closest(drawer) !== null', drawer)
        page.keyboard.press('Escape')
        assert not links.count()
        assert button.evaluate('el => el === document.activeElement')
    assert not wrong, wrong


# --- as a file, from a server, without scripts ---------------------------------------------------
def test_search_in_a_file(visit):
    page, wrong = visit('index.html')
    page.fill('.sidebar-search', 'softmax')
    page.press('.sidebar-search', 'Enter')
    page.wait_for_selector('#search-results li a')
    assert '03_losses.html' in ' '.join(link.get_attribute('href') for link
                                        in page.query_selector_all('#search-results li a'))
    assert not wrong, wrong


def test_code_is_copied_as_it_is(visit):
    page, wrong = visit('02_autograd.html', permissions=['clipboard-read', 'clipboard-write'])
    block = page.query_selector('div.highlight:has(button.copybtn)')
    block.query_selector('button').press('Enter')
    page.wait_for_selector('button.copybtn.success')
    assert page.evaluate('navigator.clipboard.readText()').strip() == block.inner_text().strip()
    assert not wrong, wrong


@pytest.fixture
def served(book):
    "The address of the book on a server of this machine."
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_): pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0),
                                             functools.partial(Quiet, directory=str(book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


def test_from_a_server(visit, served):
    page, wrong = visit('02_autograd.html', address=served)
    assert page.query_selector('[class^=explorable-] svg') and page.evaluate(UNSET) == 0
    page.click('.next-page')
    page.wait_for_url('**/03_losses.html')
    assert not wrong, wrong


def test_without_scripts_a_poster_stands_in(visit):
    page, _ = visit('02_autograd.html', java_script_enabled=False)
    for poster in page.query_selector_all('[class^=explorable-] img'):
        assert poster.is_visible() and len(poster.get_attribute('alt')) > 40
    assert page.query_selector('[class^=explorable-] img')


# --- the page for teachers -----------------------------------------------------------------------
def test_what_the_page_for_teachers_says_about_progress(tmp_path):
    "Its function counts what the course itself has stored."
    from course_lib.workbench.exercises import connect
    text = (ROOT / 'book' / 'class.md').read_text('utf-8')
    (tmp_path / 'page.py').write_text(re.search(r'```python\n(.*?)```', text, re.S)[1], 'utf-8')
    solved = runpy.run_path(str(tmp_path / 'page.py'))['solved']
    db = connect(tmp_path / 'progress.sqlite')
    db.executemany("insert into solved values (?, '', '')",
                   [('autograd/nudge',), ('autograd/undo',), ('losses/softmax',)])
    db.close()
    assert solved(tmp_path / 'progress.sqlite') == {'autograd': 2, 'losses': 1}
    assert solved(tmp_path / 'nobody.sqlite') == {}
