"""What the benchmark says: results.md, the figure, and the short table in the README."""
from typing import NamedTuple

import matplotlib
import numpy as np
from measure import ROOT

FOLDER = ROOT / 'bench'
MARKS = '<!-- bench: written by make bench -->', '<!-- end of bench -->'


class Row(NamedTuple):
    "A goal: how many times the peer's time ours may take at most."
    what: str
    label: str  # in the figure
    case: str
    ours: str
    peer: str
    goal: float
    why: str = ''  # where it is missed: one sentence


class Limit(NamedTuple):
    "A goal in seconds or milliseconds, for the longest that was measured."
    what: str
    case: str
    goal: float
    unit: str
    why: str = ''


STEP = ('Each recorded operation costs some microseconds of Python: a node, its tensors, the walk '
        'back. Numpy by hand has none of it, and the net is small.')
TREES = 'Scikit-learn\'s trees are compiled; ours are whole-array numpy.'
ROWS = [
    Row('training step, MLP 64 → 100 → 10, 64 pictures: engine against numpy by hand',
        'training step, engine · numpy', 'step', 'engine', 'numpy', 1.1, STEP),
    Row('the same step with layers and optimiser against torch (`nn`, `optim.SGD`)',
        'training step, layers · torch', 'step', 'ours', 'torch', .5,
        'A third of it is matrix products, which take both as long; Python\'s objects are the rest.'),
    Row('convolution forward and backward, 64×1×28×28 → 8, against torch',
        'convolution 1 → 8 · torch', 'conv 1', 'ours', 'torch', .6,
        'It moves memory, windows to columns and back, more than it computes.'),
    Row('the same, 8 → 16 channels',
        'convolution 8 → 16 · torch', 'conv 8', 'ours', 'torch', 2.2,
        'Torch\'s kernels are written for the processor and make no columns.'),
    Row('batchnorm forward and backward, (64, 16, 28, 28), against torch',
        'batchnorm · torch', 'batchnorm', 'ours', 'torch', .8,
        'It is bound by memory, which serves both equally fast.'),
    Row('softmax and cross-entropy forward and backward, 64×10, against torch',
        'softmax, cross-entropy · torch', 'softmax', 'ours', 'torch', .7,
        'So small a table is all overhead, ours and torch\'s.'),
    Row('AdamW step, 7,510 weights, against torch\'s default',
        'AdamW · torch', 'adamw', 'ours', 'torch', .35, 'The arithmetic takes that long.'),
    Row('random forest of 100, fit, breast cancer, against scikit-learn',
        'forest, cancer · scikit-learn', 'forest cancer', 'ours', 'scikit-learn', 1., TREES),
    Row('the same, digits',
        'forest, digits · scikit-learn', 'forest digits', 'ours', 'scikit-learn', 1.7, TREES),
    Row('boosting, 100 rounds, fit, breast cancer, against `GradientBoosting…`',
        'boosting, cancer · scikit-learn', 'boosting cancer', 'ours', 'scikit-learn', .3, TREES),
    Row('the same, digits',
        'boosting, digits · scikit-learn', 'boosting digits', 'ours', 'scikit-learn', .3, TREES),
    Row('the same, diabetes',
        'boosting, diabetes · scikit-learn', 'boosting diabetes', 'ours', 'scikit-learn', .3,
        'The table is small: a round is mostly numpy\'s calls, a fixed cost for each level.'),
    Row('`import course_lib.autograd` against `import numpy`',
        'import · numpy', 'import', 'ours', 'numpy', 1.3, 'It imports numpy, and little else.'),
]


LIMITS = [
    Limit('an explorable\'s answer to a key in the book (median; the slowest of all)',
          'keys', 16, 'ms'),
    Limit('a chapter, run whole (the slowest of all)', 'chapters', 30, 's',
          'Its claims are measured over many divisions, and scikit-learn\'s fits take their time.'),
    Limit('all notebooks in `nbdev_test`, two at a time', 'nbdev_test', 240, 's'),
    Limit('`make lab` on a fresh clone until JupyterLab is open, downloads included',
          'first command', 120, 's'),
]
GOALS = ROWS + LIMITS


# --- numbers -------------------------------------------------------------------------------------
def quartiles(numbers):
    return np.percentile(numbers, [25, 50, 75])


def ratio(row, result):
    "Quartiles of ours / peer, each round's own."
    times = result['times']
    return quartiles(np.divide(times[row.ours], times[row.peer]))


def measured(goal, result):
    "The number to compare with the goal, or None where it was not measured."
    if isinstance(goal, Row):
        return ratio(goal, result)[1] if goal.peer in result.get('times', ()) else None
    numbers = result.get('milliseconds' if goal.unit == 'ms' else 'seconds')
    return max(numbers.values()) if numbers else None


def verdict(goal, result):
    value = measured(goal, result)
    return 'not measured' if value is None else 'met' if value <= goal.goal else '**missed**'


def shown(goal, result):
    "What was measured, in words."
    value = measured(goal, result)
    if value is None:
        return result.get('missing', '–')
    if isinstance(goal, Row):
        low, _, high = ratio(goal, result)
        return '{:#.3g} × ({:#.3g} to {:#.3g})'.format(value, low, high)
    return f'{value:.3g} {goal.unit}'


def aim(goal):
    return f'≤ {goal.goal:g} ×' if isinstance(goal, Row) else f'≤ {goal.goal:g} {goal.unit}'


def duration(seconds):
    "Seconds with the unit that suits them."
    unit, size = next((u, s) for u, s in (('s', 1), ('ms', 1e-3), ('µs', 1e-6), ('ns', 0))
                      if seconds >= s)
    return f'{seconds / (size or 1e-9):.3g} {unit}'


# --- Markdown ------------------------------------------------------------------------------------
def table(head, rows, right=()):
    lines = [head, [' ---:' if i in right else ' ---' for i in range(len(head))], *rows]
    return ['| ' + ' | '.join(str(cell).strip() for cell in line) + ' |' for line in lines]


def goals_table(results):
    rows = [(g.what, shown(g, results[g.case]), aim(g), verdict(g, results[g.case]))
            for g in GOALS if g.case in results]
    return table(('what', 'measured: ours / peer', 'goal', ''), rows, {1, 2})


def missed(results):
    "A sentence for each goal that is missed."
    return [f'- {getattr(g, "label", g.what)}: {shown(g, results[g.case])}. {g.why}'.rstrip()
            for g in GOALS if g.case in results and verdict(g, results[g.case]) == '**missed**']


def times_table(results):
    "Every contestant of every case: median and quartiles of the time of a call."
    rows = []
    for case, result in results.items():
        for name, times in result.get('times', {}).items():
            low, middle, high = map(duration, quartiles(times))
            rows.append((case, name, middle, f'{low} to {high}', len(times)))
    return table(('case', 'who', 'median', 'quartiles', 'rounds'), rows, {2, 3, 4})


def scores_table(results):
    "Held-out scores where a model was fitted: means over the same divisions."
    rows = []
    for case, result in results.items():
        if 'scores' in result:
            ours, theirs = (np.array(result['scores'][who]) for who in ('ours', 'scikit-learn'))
            error = (ours - theirs).std(ddof=1) / len(ours)**.5
            rows.append((case, f'{ours.mean():.4f}', f'{theirs.mean():.4f}',
                         f'{ours.mean() - theirs.mean():+.4f} ± {error:.4f}', len(ours)))
    return table(('case', 'ours', 'scikit-learn', 'difference ± standard error', 'divisions'),
                 rows, {1, 2, 3, 4})


def whole_table(results):
    "Each chapter's run time and each explorable's answer."
    rows = [(what, name, f'{value:.3g} {unit}')
            for case, what, key, unit in (('chapters', 'run whole', 'seconds', 's'),
                                          ('keys', 'answer to a key', 'milliseconds', 'ms'))
            for name, value in results.get(case, {}).get(key, {}).items()]
    return table(('what', 'where', 'measured'), rows, {2})


def document(data):
    "results.md from what was measured."
    results, machine = data['results'], data['machine']
    versions = ', '.join(f'{name} {version}' for name, version in machine['versions'].items())
    lines = ['# The benchmark', '',
             f'Written by `make bench` on {data["day"]}. {machine["processor"]}, '
             f'{machine["cores"]} cores, {machine["system"]}; {versions}. One thread each. '
             'Contestants take turns in one process; a ratio is the median of the rounds\' own '
             'ratios, in brackets its quartiles.', '',
             '![Ratio of our time to the peer\'s for each goal, with the goal as a line]'
             '(results.svg)', '', *goals_table(results)]
    if short := missed(results):
        lines += ['', '## Missed', '', *short]
    lines += ['', '## Everyone, in the same run', '', *times_table(results),
              '', '## No accuracy lost', '',
              'Share of right answers (diabetes: R²) on held-out rows, 100 trees or rounds.', '',
              *scores_table(results), '', '## Chapters and explorables', '', *whole_table(results)]
    notes = list(dict.fromkeys(note for r in results.values() for note in r.get('notes', ())))
    notes.append('No widget of the course is drawn by Python, so the goal for those has no row.')
    lines += ['', '## Notes', '', *[f'- {note}' for note in notes]]
    return '\n'.join(lines) + '\n'


# --- figure --------------------------------------------------------------------------------------
def figure(results, path):
    "The ratios as dots with their quartiles, and the goal of each as a line."
    matplotlib.use('svg')
    from matplotlib import pyplot as plt
    rows = [row for row in ROWS if measured(row, results.get(row.case, {})) is not None]
    style = {'svg.hashsalt': 'bench', 'svg.fonttype': 'none', 'font.size': 10,
             'font.family': 'sans-serif'}
    with plt.rc_context(style):
        fig, ax = plt.subplots(figsize=(8, .36 * len(rows) + 1.2), layout='constrained')
        for y, row in enumerate(rows):
            low, middle, high = ratio(row, results[row.case])
            met = middle <= row.goal
            color = '#0072b2' if met else '#d55e00'
            ax.plot([low, high], [y, y], color=color, linewidth=2)
            ax.plot(middle, y, 'o' if met else 'X', color=color, markersize=7)
            ax.plot([row.goal] * 2, [y - .35, y + .35], color='#444444', linewidth=1.5)
            ax.annotate(f'{middle:#.3g}', (max(high, row.goal), y), (8, 0), color=color,
                        textcoords='offset points', va='center')
        ax.axvline(1, color='#bbbbbb', zorder=0, linewidth=1)
        ax.set(xscale='log', xlim=(.03, 4), yticks=range(len(rows)),
               yticklabels=[row.label for row in rows], xlabel='our time / theirs')
        ax.set_title('Blue dots meet their goal, the short line. Orange crosses do not.',
                     fontsize=10, loc='left')
        ax.set_xticks(ticks := [.05, .1, .2, .5, 1, 2], [f'{t:g}' for t in ticks])
        ax.minorticks_off()
        ax.invert_yaxis()
        ax.spines[['top', 'right']].set_visible(False)
        fig.savefig(path, metadata={'Date': None}, facecolor='white')
        plt.close(fig)


# --- README --------------------------------------------------------------------------------------
def short_table(results):
    return '\n'.join(goals_table({k: r for k, r in results.items() if k not in ('keys',)}))


def readme_with(text, results):
    "The README's text with the table of these results between its marks."
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return f'{before}{MARKS[0]}\n{short_table(results)}\n{MARKS[1]}{after}'


def write(data):
    "Write everything that is made of the measurements."
    (FOLDER / 'results.md').write_text(document(data), encoding='utf-8')
    figure(data['results'], FOLDER / 'results.svg')
    readme = ROOT / 'README.md'
    readme.write_text(readme_with(readme.read_text(encoding='utf-8'), data['results']),
                      encoding='utf-8')
