"""The benchmark: what its report says of numbers, and that what is committed is made of them."""
import json
import statistics
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'bench'))
import measure  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402

STORE = json.loads(run.STORE.read_text(encoding='utf-8'))
ROW = report.Row('a step against torch', 'step', 'step', 'ours', 'torch', .5, 'So it is.')


def test_verdicts():
    "The median of the rounds' own ratios is held against the goal; what is not there is said."
    fast = {'times': {'ours': [1, 2, 30], 'torch': [2, 4, 6]}}
    slow = {'times': {'ours': [1.2, 2.2, 30], 'torch': [2, 4, 6]}}
    assert report.verdict(ROW, fast) == 'met'  # 0.5, 0.5, 5
    assert report.verdict(ROW, slow) == '**missed**'
    assert report.shown(ROW, slow) == '0.600 × (0.575 to 2.80)'
    assert report.verdict(ROW, {'times': {'ours': [1]}}) == 'not measured'
    limit = report.Limit('a key', 'keys', 16, 'ms')
    assert report.verdict(limit, {'milliseconds': {'a': 3., 'b': 16.}}) == 'met'
    assert report.verdict(limit, {'milliseconds': {'a': 3., 'b': 16.1}}) == '**missed**'
    assert report.shown(limit, {'missing': 'no browser'}) == 'no browser'


def test_missed_goals_have_a_reason():
    for goal in report.GOALS:
        if goal.case in STORE['results']:
            late = report.verdict(goal, STORE['results'][goal.case]) == '**missed**'
            assert goal.why or not late, goal.what


def test_durations():
    assert [report.duration(s) for s in (2.5, .0314, 5.2e-5, 3e-9)] == [
        '2.5 s', '31.4 ms', '52 µs', '3 ns']


def test_every_goal_was_measured():
    assert {goal.case for goal in report.GOALS} <= set(run.CASES) == set(STORE['results'])


def test_report_is_made_of_the_numbers():
    "results.md and the README's table say what results.json says."
    assert (ROOT / 'bench' / 'results.md').read_text(encoding='utf-8') == report.document(STORE)
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert report.readme_with(readme, STORE['results']) == readme


def test_a_part_that_is_measured_anew_leaves_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(run, 'STORE', tmp_path / 'results.json')
    run.store({'keys': {'times': 1.}})
    first = run.read_store()
    first['machine']['versions'] |= {'numpy': '0.1', 'a peer': '7'}  # which is not installed now
    run.STORE.write_text(json.dumps(first), encoding='utf-8')
    run.store({'adamw': {'times': 2.}})
    data = run.read_store()
    assert data['results'] == {'adamw': {'times': 2.}, 'keys': {'times': 1.}}
    versions = data['machine']['versions']
    assert versions['a peer'] == '7' and versions['numpy'] == measure.version('numpy')


def test_figure(tmp_path):
    "It draws every ratio, and the same each time."
    files = [tmp_path / 'a.svg', tmp_path / 'b.svg']
    for file in files:
        report.figure(STORE['results'], file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert '</svg>' in files[0].read_text(encoding='utf-8')


@pytest.mark.parametrize('case, peer', [
    *((case, 'torch') for case in ('conv 1', 'conv 8', 'batchnorm', 'softmax', 'adamw')),
    ('forest cancer', 'scikit-learn'), ('boosting diabetes', 'scikit-learn')])
def test_contestants_compute_the_same(case, peer):
    "A case begins with a comparison of all values; one round of it."
    result = run.apart(case, 1)
    assert {'ours', peer} <= set(result['times'])
    assert all(min(times) > 0 for times in result['times'].values())


def test_contestants_that_differ_are_refused():
    with pytest.raises(AssertionError, match='theirs computes something else'):
        measure.agree(ours=lambda: 1., theirs=lambda: 1.1)


def test_turns():
    "Each way is as often the first; a slow way takes more time."
    order = []
    ways = {name: lambda name=name, size=size: order.append(name) or time.sleep(size)
            for name, size in (('a', 0), ('b', .02))}
    times = measure.in_turn(4, 1e-9, **ways)
    assert [len(t) for t in times.values()] == [4, 4]
    assert order[8:] == ['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']
    assert min(times['b']) >= .02 > min(times['a'])


def test_a_turn_begins_warm():
    "What it costs to take over from another way does not count."
    last = ['']

    def way(name):
        if last[0] != name:
            time.sleep(.05)
        last[0] = name

    times = measure.in_turn(3, 1., a=lambda: way('a'), b=lambda: way('b'))
    assert max(map(statistics.median, times.values())) < .004
