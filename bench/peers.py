"""The peers that the course does not need: micrograd, DeZero and tinygrad, where installed."""
import importlib.util
import os
import shutil

import numpy as np

from measure import definitions

NOTES = []  # who is missing or needed help, and why, in one line each


def is_here(module, name):
    "Whether it can be imported; if not, a note says so."
    found = importlib.util.find_spec(module) is not None
    if not found:
        note(f'{name} is not installed: left out.')
    return found


def note(text):
    if text not in NOTES:
        NOTES.append(text)


def micrograd_picture(x, y, **given):
    "One picture there and back through micrograd, as chapter 2 does it, or nothing."
    if not is_here('micrograd', 'micrograd'):
        return {}
    make, _ = definitions(2, 'micrograd_step', 'new_weights', x_train=x, y_train=y, **given)
    note('micrograd knows scalars only, and neither exp nor log: it takes one picture, there and '
         'back from the score of its class, without loss and update. Ours does both.')
    return {'micrograd': make()}


def dezero():
    "The package, or None. Its last version asks for np.int, which numpy 2 does not have."
    if not is_here('dezero', 'DeZero'):
        return None
    np.int = int
    try:
        module = importlib.import_module('dezero')
        for part in 'functions', 'layers', 'optimizers', 'models':
            importlib.import_module(f'dezero.{part}')
    finally:
        del np.int
    note('DeZero asks for np.int, which numpy 2 does not have: it was lent to it for the import.')
    return module


def dezero_step(arrays, x, y, rate):
    "The training step in DeZero, from the weights in `arrays`."
    module = dezero()
    if module is None:
        return {}
    net = module.models.MLP((100, 10), activation=module.functions.relu)
    net(x)  # makes the weights
    for layer, (w, b) in zip((net.l0, net.l1), (arrays[:2], arrays[2:])):
        layer.W.data, layer.b.data = w.copy(), b.copy()
    optimiser = module.optimizers.SGD(rate).setup(net)

    def step():
        loss = module.functions.softmax_cross_entropy(net(x), y)
        net.cleargrads()
        loss.backward()
        optimiser.update()
        return loss.data
    return {'DeZero': step}


def dezero_conv(x, weight, bias, grad):
    "Convolution forward and backward in DeZero."
    module = dezero()
    if module is None:
        return {}
    inputs = [module.Variable(a) for a in (x, weight, bias)]
    slope = module.Variable(grad)

    def there_and_back():
        for t in inputs:
            t.cleargrad()
        out = module.functions.conv2d(*inputs)
        out.grad = slope
        out.backward()
        return out.data
    return {'DeZero': there_and_back}


def tinygrad_step(arrays, x, y, rate):
    "The training step in tinygrad, compiled (TinyJit), on the processor."
    if not is_here('tinygrad', 'tinygrad'):
        return {}
    if not (shutil.which('clang') or os.environ.get('CC')):
        note('tinygrad compiles with clang, which is not here: left out.')
        return {}
    from tinygrad import Context, Tensor, TinyJit, nn
    w1, b1, w2, b2 = [Tensor(a).is_param_().realize() for a in arrays]
    optimiser = nn.optim.SGD([w1, b1, w2, b2], lr=rate)
    pictures, labels = Tensor(x).realize(), Tensor(y.astype('i4')).realize()

    @TinyJit
    @Context(TRAINING=1)
    def run():
        optimiser.zero_grad()
        scores = (pictures @ w1 + b1).relu() @ w2 + b2
        loss = scores.sparse_categorical_crossentropy(labels).backward()
        return loss.realize(*optimiser.schedule_step())
    return {'tinygrad': lambda: run().item()}
