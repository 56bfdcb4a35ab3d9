"""The engine on expressions that nobody chose, and on what a notebook cannot wait for."""
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, seed, settings, strategies as st

from course_lib import autograd
from course_lib.workbench.core import parity

SHAPES = [(), (1,), (3,), (2, 1), (2, 3), (1, 3), (4, 2, 3), (0, 3)]
UNARY = [
    lambda xp, a: -a, lambda xp, a: a.tanh(), lambda xp, a: a.sigmoid(), lambda xp, a: a.relu(),
    lambda xp, a: a.abs(), lambda xp, a: (a * .1).exp(), lambda xp, a: (a * a + .5).log(),
    lambda xp, a: (a * a + .25).sqrt(), lambda xp, a: a.clamp(-1, 1), lambda xp, a: a**2,
    lambda xp, a: (a.abs() + 1)**-.5, lambda xp, a: 2 / (a * a + 1), lambda xp, a: 1 - a,
    lambda xp, a: a.sum(), lambda xp, a: a.mean(), lambda xp, a: a.sum(dim=-1, keepdim=True),
    lambda xp, a: a.mean(dim=0), lambda xp, a: a.var(dim=-1, correction=0), lambda xp, a: a.max(),
    lambda xp, a: a.min(dim=-1).values, lambda xp, a: a.max(dim=0, keepdim=True).values,
    lambda xp, a: a.logsumexp(-1), lambda xp, a: a.reshape(-1), lambda xp, a: a.flatten(),
    lambda xp, a: a.unsqueeze(0), lambda xp, a: a.squeeze(), lambda xp, a: a.transpose(0, -1),
    lambda xp, a: a[..., -1:], lambda xp, a: a[0], lambda xp, a: a[a > 0], lambda xp, a: a[None],
    lambda xp, a: a[[0, 0]], lambda xp, a: a.expand(2, *a.shape), lambda xp, a: a.clone(),
    lambda xp, a: a.detach() * a, lambda xp, a: a.to(xp.float64), lambda xp, a: a.std(),
]
BINARY = [
    lambda xp, a, b: a + b, lambda xp, a, b: a - b, lambda xp, a, b: a * b,
    lambda xp, a, b: a / (b * b + 1), lambda xp, a, b: xp.maximum(a, b),
    lambda xp, a, b: xp.minimum(a, b), lambda xp, a, b: xp.where(a > b, a, b),
    lambda xp, a, b: (a.abs() + .5)**b, lambda xp, a, b: a @ b, lambda xp, a, b: a @ b.T,
    lambda xp, a, b: xp.cat([a, b]), lambda xp, a, b: xp.cat([a, b], dim=-1),
    lambda xp, a, b: xp.stack([a, b]), lambda xp, a, b: xp.addmm(b, a, a.T),
]
STEP = st.one_of(st.tuples(st.sampled_from(UNARY), st.integers(0, 99), st.none()),
                 st.tuples(st.sampled_from(BINARY), st.integers(0, 99), st.integers(0, 99)))
INPUT = st.tuples(st.sampled_from(SHAPES), st.sampled_from(['f8', 'f8', 'f4', 'i8']))


def build(steps):
    "An expression of some tensors: each step works on results that are already there."
    def expression(xp, *inputs):
        values = list(inputs)
        for step, first, second in steps:
            a = values[-1 - first % len(values)]
            b = () if second is None else (values[-1 - second % len(values)],)
            try:
                values.append(step(xp, a, *b))
            except (RuntimeError, IndexError, ValueError, TypeError) as error:    # as torch refuses
                refused[xp.__name__].append(f'step {len(values)}: {type(error).__name__}: {error}')
                values.append(a * 1)
        return values[-1] * 1
    refused = expression.refused = {'torch': [], autograd.__name__: []}
    return expression


@seed(2026)
@settings(max_examples=600, deadline=None, derandomize=True, database=None)
@given(st.lists(INPUT, min_size=1, max_size=3), st.lists(STEP, min_size=1, max_size=10),
       st.integers(0, 2**32 - 1))
@pytest.mark.filterwarnings('ignore')
def test_random_expressions(inputs, steps, numbers):
    "Value, shape, dtype and every gradient equal torch's, and so does what is refused."
    rng = np.random.default_rng(numbers)
    arrays = [rng.integers(-16, 17, size=shape).astype(kind) / (1 if kind == 'i8' else 8)
              for shape, kind in inputs]
    arrays = [a.astype(kind) for a, (_, kind) in zip(arrays, inputs)]
    exact = all(kind == 'f8' for _, kind in inputs)
    expression = build(steps)
    try: parity(expression, *arrays, ours=autograd, rtol=1e-7 if exact else 2e-3)
    except AssertionError as error: raise AssertionError(f'{error}\n{expression.refused}') from None
    ours, torchs = [[text.split(':')[0] for text in texts] for texts in expression.refused.values()]
    assert ours == torchs, f'only one library refused a step: {expression.refused}'


def test_a_million_steps_are_freed_without_recursion():
    "Also in a thread with a small stack, where recursion would crash the process."
    def chain():
        x = y = autograd.tensor(1., requires_grad=True)
        for _ in range(1_000_000): y = -y
        y.backward()
        done.append(x.grad.item())
        del x, y
    done, size = [], threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=chain)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert done == [1.]


def seconds_to_import(module, cache):
    "Processor time of `import module` in a new process (compiled files in the folder `cache`), and what it loaded."
    code = (f'import time, sys; start = time.process_time(); import {module}; '
            'print(time.process_time() - start, *sys.modules)')
    environment = {k: v for k, v in os.environ.items() if k != 'PYTHONDONTWRITEBYTECODE'}
    environment['PYTHONPYCACHEPREFIX'] = str(cache)
    words = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                           env=environment).stdout.split()
    return float(words[0]), set(words[1:])


def test_import_is_light(tmp_path):
    "Importing the engine costs hardly more than numpy, and brings none of the big libraries."
    _, loaded = seconds_to_import('course_lib.autograd', tmp_path)         # compiles, too
    assert not loaded & {'torch', 'matplotlib', 'sklearn', 'ipywidgets', 'anywidget', 'IPython'}
    modules = ('numpy', 'course_lib.autograd')
    times = [[seconds_to_import(m, tmp_path)[0] for m in modules] for _ in range(9)]    # in turn
    numpy_only, ours = np.min(times, axis=0)
    print(f'import course_lib.autograd / import numpy = {ours / numpy_only:.2f}')
    assert ours / numpy_only < 1.3


def test_threads_do_not_disturb_each_other():
    "no_grad in one thread leaves recording on in the others; graphs of threads stay apart."
    def work(n):
        x = autograd.tensor(float(n), requires_grad=True)
        for _ in range(200):
            with autograd.no_grad(): assert not (x * x).requires_grad
            x.grad = None
            (x * x * x).backward()
        results[n] = x.grad.item()
    results = {}
    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert results == {n: 3. * n * n for n in range(1, 9)}


def test_nan_goes_through_as_in_torch():
    "A NaN is neither lost nor spread further than torch spreads it."
    x = np.array([1., np.nan, 3.])
    for function in (lambda xp, a: a.relu(), lambda xp, a: a.abs(), lambda xp, a: a.clamp(0, 2), lambda xp, a: a.max(),
                     lambda xp, a: a.sum(), lambda xp, a: a.tanh(), lambda xp, a: a.logsumexp(0), lambda xp, a: a.std()):
        parity(function, x, ours=autograd)


def test_huge_numbers():
    "Scores of ten thousand, in every precision, give what torch gives."
    for kind in ('f2', 'f4', 'f8'):
        x = np.array([1e4, -1e4, 0.], kind)
        for function in (lambda xp, a: a.logsumexp(0), lambda xp, a: a.sigmoid(), lambda xp, a: a.tanh(), lambda xp, a: a * 2):
            parity(function, x, ours=autograd)
    assert torch.__version__


def no_grad(xp): return autograd.no_grad() if xp is autograd else torch.no_grad()


def times_in_place(xp, x, w):
    y = x * 1
    y *= w
    return y


def divided_in_place(xp, x, w):
    y = x * 1
    y /= w
    return y * y


def zeroed(xp, x, w): return (x * 2).zero_() * w
def copied(xp, x, w): return (x * 2).copy_(w) * x


def constant_made_recorded(xp, x, w):
    c = xp.tensor([2., 2., 2.]).to(xp.float64)
    c *= w
    return c * x


@pytest.mark.parametrize('change', [
    times_in_place, divided_in_place, zeroed, copied, constant_made_recorded])
def test_recorded_changes_in_place(change):
    parity(change, np.array([1., 2., 3.]), np.array([4., 5., 6.]), ours=autograd)


def squared_in_place(xp, x):
    y = x * 1
    y *= y
    return y


def std_changed(xp, x):
    s = x.reshape(1, 3).std(1)
    s *= 2
    return s


def exponent_changed(xp, x):
    n = xp.tensor([2., 2., 2.]).to(xp.float64)
    y = x**n
    n.mul_(2)
    return y


def index_changed(xp, x):
    n = xp.tensor([0, 1, 1])
    y = x[n]
    n.zero_()
    return y


def kept_gradient_changed(xp, x):
    (x * x).sum().backward()
    g, w = x.grad, xp.tensor([1., 1., 1.], requires_grad=True)
    loss = (g * w).sum()
    (x * x).sum().backward()
    loss.backward()
    return x


def entry_changed(xp, x):
    loss = (x * x).sum()
    with no_grad(xp): x[0].add_(5)
    return loss


@pytest.mark.parametrize('change', [
    squared_in_place, std_changed, exponent_changed, index_changed, kept_gradient_changed, entry_changed])
def test_saved_values_that_were_changed_are_noticed(change):
    "Both libraries must refuse to go back, and for this reason."
    for xp, words in ((autograd, 'changed in place'), (torch, 'modified by an inplace operation')):
        x = xp.tensor(np.array([1., 2., 4.]), requires_grad=True)
        with pytest.raises(RuntimeError, match=words): change(xp, x).sum().backward()


def test_entries_are_views_as_in_torch():
    for xp in (autograd, torch):
        x = xp.tensor([[1., 2.], [3., 4.]])
        x[0, 1].add_(5)
        for row in x: row.mul_(2)
        x[1][0] = 0.
        assert x.tolist() == [[2., 14.], [0., 8.]]


def test_what_torch_refuses():
    x, flags = np.array([1., 2.]), np.array([True, False])
    for refused in (lambda xp, a: a.sum(True), lambda xp, a: a.sum(dim=0.), lambda xp, a: a.max(True),
                    lambda xp, a: a.sum(dim=(0, 0))):
        assert isinstance(parity(refused, x, ours=autograd), Exception)
    for refused in (lambda xp, b: -b, lambda xp, b: b - b, lambda xp, b: b - 1, lambda xp, b: 1 - b):
        assert isinstance(parity(refused, flags, ours=autograd), Exception)
    with pytest.raises(TypeError, match='maximum'): autograd.tensor(x).clamp(min=autograd.tensor(x))
    with pytest.raises(TypeError, match='tensor'): autograd.tensor(x) == x


def test_dtypes_of_mixed_comparisons_and_numpy_numbers():
    f4, i8 = np.array([.1], 'f4'), np.array([2**24 + 1])
    parity(lambda xp, a: a == np.float64(.1), f4, ours=autograd)
    parity(lambda xp, a, b: a == b, i8, np.array([2.**24], 'f4'), ours=autograd)
    parity(lambda xp, a: a**np.float64(2.5), f4, ours=autograd)
    parity(lambda xp, a: a.to(xp.int64), np.array([1.5, 2.5]), ours=autograd)


def test_leaf_that_stopped_wanting_its_gradient_gets_none():
    for xp in (autograd, torch):
        x, w = xp.tensor([1.], requires_grad=True), xp.tensor([2.], requires_grad=True)
        loss = (x * w).sum()
        x.requires_grad_(False)
        loss.backward()
        assert x.grad is None and w.grad.tolist() == [1.]


def test_book_of_changes_forgets_arrays_that_are_gone():
    before = len(autograd._memory.changed)
    for _ in range(1_000): autograd.tensor([1.]).add_(1)
    assert len(autograd._memory.changed) <= before + 5


def test_pickled_tensors_work():
    import pickle
    w = pickle.loads(pickle.dumps(autograd.tensor(np.ones((2, 2), 'f4'))))
    assert (w @ autograd.tensor(np.ones((2, 2), 'f4'))).tolist() == [[2., 2.], [2., 2.]]


def test_explorable_says_what_it_cannot_follow():
    x = autograd.tensor([1., 4.], requires_grad=True)
    assert not autograd.explore_graph(autograd.where(x > 3, x, 0.)).state['live']
    loss = (x * x).sum()
    with autograd.no_grad(): x += 1
    with pytest.raises(ValueError, match='changed since'): autograd.explore_graph(loss)


def replayed(cards):
    "The gradients of the leaves by the recorded slopes alone, in the order of the cards."
    grads = {cards[-1]['id']: np.ones(len(cards[-1]['value']))}
    for card in reversed(cards):
        for i, slopes in zip(card['in'], card['jac'] or []):
            g = grads[card['id']]
            grads[i] = grads.get(i, 0) + g @ np.reshape(slopes, (len(g), -1))
    return [grads[card['id']] for card in cards if card['op'] == 'leaf']


class Cube(autograd.Function):
    "An operation that the browser does not know."
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad): return 3 * grad * ctx.saved_tensors[0]**2


def test_recorded_slopes_of_drawn_graphs_are_right():
    "Of torch's graphs, and of our own operations that the browser cannot repeat."
    xt = torch.tensor([3., 4.], requires_grad=True)
    np.testing.assert_allclose(replayed(autograd.explore_graph(torch.mul(*(xt**2))).nodes)[0], [96, 72])
    exponential = replayed(autograd.explore_graph((xt * xt.exp()).sum()).nodes)[0]
    np.testing.assert_allclose(exponential, (xt.exp() * (1 + xt)).detach(), rtol=1e-6)
    x = autograd.tensor([3., 4.], requires_grad=True)
    np.testing.assert_allclose(replayed(autograd.explore_graph(Cube.apply(x)).nodes)[0], [27, 48])
