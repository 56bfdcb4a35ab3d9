"""Run notebooks in a real kernel and store outputs that can be read anywhere and do not change.

    python tools/freeze.py                  every notebook in nbs/
    python tools/freeze.py NB.ipynb ...     only these
    python tools/freeze.py --timing NB ...  and store newly measured times
    python tools/freeze.py --pages NB ...   run nothing: renew the scripts of stored explorables

Each widget is replaced by what it shows (an Output's outputs, an Image, the text of an HTML or a
Label, the choices of a list or of buttons, the children of a container); one that brings its own
`text/html` or picture keeps that. Scripts and styles with a `data-source` are stored once. An
Image's `tooltip` becomes its alt text. Widget state, execution counts and times are dropped, the
streams of a cell are joined. A second run changes nothing.

A cell tagged `timing` keeps the outputs it has as long as only numbers and pictures differ.

Nothing is written if a cell fails, or if an output holds an error, a warning, an absolute path or
a memory address, or if the run is interrupted.
"""
import argparse
import asyncio
import atexit
import base64
import copy
import difflib
import html
import json
import os
import re
import shutil
import sys
import tempfile
import time
import zlib
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbclient.output_widget import OutputWidget
from nbclient.util import run_sync

from notebooks import ROOT, WIDGET_VIEW, bad_output, notebook_paths

STATE = 'application/vnd.jupyter.widget-state+json'
# what several outputs of a page bring with them and it needs once: scripts, styles
SOURCE = re.compile(r'<(script|style)\b[^>]* data-source="([^"]+)">.*?</\1>\n?', re.S)
# what may differ between two measurements: numbers with their unit, the widths of columns, pictures
MEASURED = re.compile(
    r'data:image/[^"\')]*|[-+−]?\d[\d.,_]*(?:[eE][-+]?\d+)?\s*(?:(?:ns|[µμu]s|ms|s|min)\b)?'
    r'|\s+|-{2,}|─{2,}')


class FreezeError(Exception):
    "A notebook could not be frozen; the message says why, and the file is as it was."


class Interrupted(FreezeError):
    "The kernel ended, by a signal or by itself: no further notebook is run."


class Output(OutputWidget):
    """The client's side of an Output widget.

    Sending on the shell socket hides a reply that comes at that moment, and the client would wait
    for it until its time is over; a new poll finds it.
    """
    def send(self, *args, **kwargs):
        super().send(*args, **kwargs)
        asyncio.ensure_future(self.kernel_client.shell_channel.socket.poll(100))


class Client(NotebookClient):
    "Runs a notebook in a kernel of this Python, with Output widgets, quietly."
    def __init__(self, nb, **options):
        super().__init__(
            nb, kernel_name='python3', record_timing=False, force_raise_errors=True,
            shutdown_kernel='immediate', extra_arguments=['--IPKernelApp.log_level=40'], **options)
        self.widget_registry['@jupyter-widgets/output']['OutputModel'] = Output

    async def async_execute(self, **kwargs):
        "Run the notebook, and end the kernel however the run ends."
        self.running = asyncio.current_task()
        try:
            return await super().async_execute(**kwargs)
        finally:
            if self.km is not None:
                await self._async_cleanup_kernel()
            atexit.unregister(self._cleanup_kernel)  # there is nothing left for it

    execute = run_sync(async_execute)

    async def _async_cleanup_kernel(self):
        "End the kernel; called beside the run, after a signal, end the run, which ends its kernel."
        if asyncio.current_task() is not self.running:
            self.running.cancel()
            return
        if self.km.has_kernel:  # the manager would interrupt it first, which can print a traceback
            await self.km.provisioner.kill()
            await self.km.provisioner.wait()
        await super()._async_cleanup_kernel()


def environment(folder):
    "The kernel's environment: this repository's library, one thread, `folder` for the progress."
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'MPLBACKEND')}
    one = {f'{name}_NUM_THREADS': '1' for name in ('OMP', 'OPENBLAS', 'MKL', 'VECLIB_MAXIMUM')}
    paths = [str(ROOT), env.get('PYTHONPATH', '')]
    return env | one | {
        'PYTHONPATH': os.pathsep.join(p for p in paths if p),
        'PYTHONHASHSEED': '0',
        'PYTHONUTF8': '1',
        'PYDEVD_DISABLE_FILE_VALIDATION': '1',  # or the debugger prints a warning
        'IPYTHONDIR': str(Path(folder) / 'ipython'),  # none of the maker's own settings
        'COURSE_PROGRESS': str(Path(folder) / 'progress.sqlite'),
    }


def display(kind, value, **metadata):
    "An ordinary output that shows `value` of MIME type `kind`."
    return nbformat.v4.new_output(
        'display_data', data={kind: value}, metadata={kind: metadata} if metadata else {})


def picture(model):
    "The picture that an Image widget shows; its tooltip is the alt text."
    state = model['state']
    buffers = [b['data'] for b in model.get('buffers', []) if b['path'] == ['value']]
    alt = {'alt': state['tooltip']} if state.get('tooltip') else {}
    return [display(f"image/{state.get('format', 'png')}", data, **alt) for data in buffers]


def choices(state):
    "The question and the answers that a choice widget (a list, radio buttons) offers."
    labels = [html.escape(str(label)) for label in state['_options_labels']]
    items = ''.join(f'<li>{label}</li>' for label in labels)
    return f"<p>{html.escape(state.get('description') or '')}</p><ul>{items}</ul>"


def shown(model_id, models):
    "The ordinary outputs that the widget `model_id` shows, in order."
    model = models.get(model_id)
    if model is None:
        return []
    name, state = model['model_name'], model['state']
    if name == 'OutputModel':
        return readable(map(nbformat.from_dict, state.get('outputs', [])), models)
    if name == 'ImageModel':
        return picture(model)
    if name in ('HTMLModel', 'HTMLMathModel'):
        return [display('text/html', state['value'])] if state.get('value') else []
    if name == 'LabelModel':
        return [display('text/html', html.escape(state['value']))] if state.get('value') else []
    if '_options_labels' in state:
        return [display('text/html', choices(state))]
    if name == 'ButtonModel':
        return [display('text/html', f"<ul><li>{html.escape(state['description'])}</li></ul>")]
    children = [child.removeprefix('IPY_MODEL_') for child in state.get('children', [])]
    buttons = [c for c in children if c in models and models[c]['model_name'] == 'ButtonModel']
    if len(buttons) == 1 < len(children):  # no choice: it does something, which a picture cannot
        children.remove(buttons[0])
    return [output for child in children for output in shown(child, models)]


def readable(outputs, models):
    "`outputs` with each widget view replaced by what the widget shows."
    result = []
    for output in outputs:
        view = output.get('data', {}).pop(WIDGET_VIEW, None)
        own = {'text/html', 'image/png', 'image/svg+xml'} & set(output.get('data', {}))
        result += [output] if view is None or own else shown(view['model_id'], models)
    return result


def join_streams(outputs):
    "Neighbouring streams as one stdout and one stderr, with rewritten lines as they end."
    result = []
    for output in outputs:
        if output.output_type != 'stream':
            result.append(output)
            continue
        start = len(result)
        while start and result[start - 1].output_type == 'stream':
            start -= 1
        same = [o for o in result[start:] if o.name == output.name]
        if same:
            same[0].text += output.text
        else:
            result.append(output)
        result[start:] = sorted(result[start:], key=lambda o: o.name, reverse=True)
    for output in result:
        if output.output_type == 'stream':
            output.text = re.sub(r'[^\n]*\r(?=[^\n])', '', output.text.replace('\r\n', '\n'))
    return result


def tidy(output):
    "Drop what changes from run to run: counts, transient ids, the newline that ends a picture."
    if 'execution_count' in output:
        output.execution_count = None
    output.pop('transient', None)
    for kind, value in output.get('data', {}).items():
        if kind.startswith('image/') and isinstance(value, str) and 'svg' not in kind:
            output.data[kind] = value.rstrip()
    return output


def share_sources(cells):
    "Keep a script or style named by `data-source` in the first output only that brings it."
    seen = set()

    def once(match):
        first = match[2] not in seen
        seen.add(match[2])
        return match[0] if first else ''

    for cell in cells:
        for output in cell.get('outputs', []):
            page = output.get('data', {}).get('text/html')
            if isinstance(page, str):
                output.data['text/html'] = SOURCE.sub(once, page)


def outline(outputs):
    """The outputs as text without numbers, pictures and shared sources (they may stand elsewhere):
    equal if only measured times differ."""
    parts = []
    for output in outputs:
        parts += [output.output_type, output.get('name'), output.get('text')]
        parts.append(output.get('metadata'))
        for kind, value in sorted(output.get('data', {}).items()):
            shown = SOURCE.sub('', value) if isinstance(value, str) else value
            parts += [kind, None if kind.startswith('image/') else shown]
    return MEASURED.sub(lambda m: '#' if any(c.isdigit() for c in m[0]) else '', str(parts))


def execute(nb, folder, name):
    "Run `nb` in a fresh kernel with the working directory `folder`; its outputs are filled in."
    client = Client(nb, timeout=600)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        try:
            client.execute(env=environment(scratch), cwd=str(folder))
        except CellExecutionError as error:
            cell = next(c for c in nb.cells
                        if any(o.output_type == 'error' for o in c.get('outputs', [])))
            raise FreezeError(
                f'{name}: cell {cell.id} failed\n\n{cell.source}\n\n'
                f'{error.ename}: {error.evalue}\n\nMend the cell, then freeze again.') from None
        except CellTimeoutError:
            raise FreezeError(f'{name}: a cell ran longer than 10 minutes') from None
        except (RuntimeError, asyncio.CancelledError) as error:  # also: it died before it was ready
            reason = f'interrupted, or the kernel died: {error}'.removesuffix(': ')
            raise Interrupted(f'{name}: {reason}') from None


def frozen(old, folder, name, timing=False):
    "A copy of the notebook `old`, run in `folder`, with outputs that can be read and stay."
    nb = copy.deepcopy(old)
    for cell in nb.cells:
        if cell.cell_type == 'code':
            cell.outputs = []
    execute(nb, folder, name)
    models = nb.metadata.get('widgets', {}).get(STATE, {}).get('state', {})
    nb.metadata = copy.deepcopy(old.metadata)
    nb.metadata.pop('widgets', None)
    for cell, before in zip(nb.cells, old.cells):
        if cell.cell_type != 'code':
            continue
        cell.execution_count = None
        cell.metadata.pop('execution', None)
        cell.outputs = [tidy(o) for o in join_streams(readable(cell.outputs, models))]
        keep = 'timing' in cell.metadata.get('tags', []) and not timing
        if keep and outline(cell.outputs) == outline(before.outputs):
            cell.outputs = before.outputs
    share_sources(nb.cells)
    return nb


def refuse_bad_outputs(nb, name):
    "Raise if an output holds an error, a warning, an absolute path or a memory address."
    problems = [f'{name}[{cell.id}]: {problem}' for cell in nb.cells
                for output in cell.get('outputs', []) for problem in bad_output(output)]
    if problems:
        raise FreezeError('\n'.join(problems))


def write(path, text):
    "Replace the file at once, or not at all."
    new = path.with_name(f'.{path.name}.freezing')
    try:
        new.write_bytes(text.encode())
        shutil.copymode(path, new)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def renewed_page(page):
    "A stored explorable with its script as it stands now, and the state and picture that it has."
    from course_lib.workbench.explorables import to_page
    script = re.search(r"unpack\(globalThis\.explorableSources\['(\w+)-\w+'\]\)", page)
    if not script:
        return page
    packed = re.search(r"const state = await unpack\('([^']+)'\)", page)[1]
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    poster = re.search(r'src="data:image/png;base64,([^"]+)"', page)
    return to_page(script[1], state, poster and base64.b64decode(poster[1]), state['alt'])


def with_pages_renewed(old):
    "A copy of the notebook `old` whose explorables carry their scripts as they stand now."
    nb = copy.deepcopy(old)
    for cell in nb.cells:
        for output in cell.get('outputs', []):
            page = output.get('data', {}).get('text/html')
            if isinstance(page, str):
                output.data['text/html'] = renewed_page(page)
    share_sources(nb.cells)
    return nb


def freeze(path, timing=False, pages=False):
    "Run the notebook and store what it shows. Returns how many lines of the file changed."
    path = Path(path)
    before = path.read_bytes().decode()
    old = nbformat.reads(before, as_version=4)
    nb = (with_pages_renewed(old) if pages else
          frozen(old, path.parent.resolve(), path.name, timing))
    refuse_bad_outputs(nb, path.name)
    text = nbformat.writes(nb).rstrip('\n') + '\n'
    if text == before:
        return 0
    write(path, text)
    lines = difflib.unified_diff(before.splitlines(), text.splitlines(), n=0, lineterm='')
    return max(1, sum(line[:1] in '+-' for line in list(lines)[2:]))


def main():
    "Freeze the notebooks named, or all; exit 1 if one could not be."
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('notebooks', nargs='*', type=Path, help='default: all in nbs/')
    parser.add_argument('--timing', action='store_true', help='store newly measured times too')
    parser.add_argument('--pages', action='store_true',
                        help='run nothing: renew the scripts of stored explorables')
    args = parser.parse_args()
    for path in args.notebooks:
        if not path.is_file():
            parser.error(f'there is no notebook {path}: give its path, as nbs/02_autograd.ipynb')
    failed = 0
    for path in args.notebooks or notebook_paths(ROOT):
        start = time.perf_counter()
        try:
            changed = freeze(path, args.timing, args.pages)
        except FreezeError as error:
            failed += 1
            print(f'{path}: NOT FROZEN, the file is as it was\n{error}\n', file=sys.stderr)
            if isinstance(error, Interrupted):
                break
            continue
        except KeyboardInterrupt:
            print(f'{path}: NOT FROZEN, interrupted, the file is as it was', file=sys.stderr)
            return 130
        print(f'{path}: {changed} lines changed, {time.perf_counter() - start:.1f} s', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
