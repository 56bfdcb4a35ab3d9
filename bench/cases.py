"""Training steps and trees: our code, hand-written numpy and the peers, in one process, in turn.

A case returns its times by contestant, {'times': {name: seconds of each round}}, and in some cases
{'scores': {name: score of each division}}. What the chapters hold is taken from there.
"""
import numpy as np
import sklearn.ensemble as sk
import torch
import torch.nn.functional as F
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score, train_test_split

import peers
from course_lib import autograd, batchnorm, layers, losses, optim, weight_decay
from course_lib.bagging import RandomForestClassifier
from course_lib.boosting import GradientBoostingClassifier, GradientBoostingRegressor
from course_lib.workbench.data import load
from measure import agree, definitions, in_turn

torch.set_num_threads(1)
RATE = 1e-3


# --- steps ---------------------------------------------------------------------------------------
def new_net(nn, optimisers, arrays):
    "The net 64 → 100 → 10 with these weights, and SGD: the same code on ours and on torch."
    net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    for p, a in zip(net.parameters(), arrays, strict=True):
        p.detach().numpy()[...] = a.T
    return net, optimisers.SGD(net.parameters(), lr=RATE)


def step(rounds):
    "One training step of the net, on 64 pictures of digits."
    x, y = load('digits').x[:64], load('digits').y[:64]
    new_weights, scores, our_step, _ = definitions(
        2, 'new_weights', 'scores', 'our_step', 'CrossEntropy', ours=autograd)
    numpy_step, = definitions(4, 'numpy_step')
    whole_step, = definitions(5, 'whole_step')
    arrays = [w.detach().numpy() for w in new_weights(autograd)]
    by_hand, by_engine = [a.copy() for a in arrays], new_weights(autograd)
    xo, yo, xt, yt = autograd.tensor(x), autograd.tensor(y), torch.tensor(x), torch.tensor(y)
    ours = *new_net(layers, optim, arrays), losses.cross_entropy, xo, yo
    theirs = *new_net(torch.nn, torch.optim, arrays), F.cross_entropy, xt, yt
    ways = {'engine': lambda: our_step(by_engine, xo, yo, RATE),
            'ours': lambda: whole_step(*ours),
            'numpy': lambda: numpy_step(*by_hand, x, y, np.float32(RATE)),
            'torch': lambda: whole_step(*theirs),
            **peers.dezero_step(arrays, x, y, RATE), **peers.tinygrad_step(arrays, x, y, RATE)}
    agree(**ways)
    return {'times': in_turn(rounds, **ways)}


def picture(rounds):
    "One training step on a single picture, against micrograd, which takes numbers one by one."
    x, y = load('digits').x[:1], load('digits').y[:1]
    new_weights, _, our_step, _ = definitions(
        2, 'new_weights', 'scores', 'our_step', 'CrossEntropy', ours=autograd)
    weights, xo, yo = new_weights(autograd), autograd.tensor(x), autograd.tensor(y)
    theirs = peers.micrograd_picture(x, y, ours=autograd)
    ways = {'engine': lambda: our_step(weights, xo, yo, RATE), **theirs}
    return {'times': in_turn(min(rounds, 9), **ways)}


def convolution(rounds, C, O):
    "Convolution of 64 pictures of 28 × 28, there and back, C → O channels, 3 × 3, stride 1."
    rivals, _ = definitions(7, 'rivals', 'by_hand_numpy', torch=torch, F=F)
    ways = rivals(C, O)
    ways['numpy'] = ways.pop('by hand')
    r = np.random.default_rng(0)
    arrays = [r.normal(size=s).astype('f4') for s in ((64, C, 28, 28), (O, C, 3, 3), (O,))]
    ways |= peers.dezero_conv(*arrays, r.normal(size=(64, O, 26, 26)).astype('f4'))
    agree(**ways)
    return {'times': in_turn(rounds, **ways)}


def normalisation(rounds):
    "Batch normalisation of (64, 16, 28, 28), forward and backward."
    make, = definitions(8, 'there_and_back', torch=torch, tensor=autograd.tensor,
                        BatchNorm2d=batchnorm.BatchNorm2d)
    ways = make((64, 16, 28, 28))
    agree(**ways)
    return {'times': in_turn(rounds, **ways)}


def softmax(rounds):
    "Softmax and cross-entropy of 64 × 10 scores, forward and backward."
    rivals, *_ = definitions(3, 'rivals', 'numpy_loss', 'there_and_back', torch=torch, ours=losses,
                             theirs=F, tensor=autograd.tensor, rng=np.random.default_rng(0))
    ways = rivals(64, 10)[2]
    ways['numpy'] = ways.pop('hand')
    agree(**ways)
    return {'times': in_turn(rounds, **ways)}


def ready(xp, kind, **settings):
    "Weights as those of the net, with slopes; the `step` of an optimiser that holds them."
    r, shapes = np.random.default_rng(0), ((100, 64), (100,), (10, 100), (10,))
    weights = [xp.tensor(r.normal(size=s).astype('f4'), requires_grad=True) for s in shapes]
    for w in weights:
        w.grad = xp.tensor(r.normal(size=w.shape).astype('f4'))
    optimiser = kind(weights, lr=1e-6, **settings)

    def step():
        optimiser.step()
        return weights[0]
    return step


def adamw(rounds):
    "One step of AdamW on 7,510 weights; by hand they lie in one array."
    naive, = definitions(9, 'adamw_naive')
    r = np.random.default_rng(0)
    w, g = r.normal(size=(2, 7510)).astype('f4')
    m, v = np.zeros((2, 7510), 'f4')
    ways = {'ours': ready(autograd, weight_decay.AdamW), 'torch': ready(torch, torch.optim.AdamW),
            'torch, fused': ready(torch, torch.optim.AdamW, fused=True)}
    agree(**ways)
    return {'times': in_turn(rounds, **ways, numpy=lambda: naive(w, m, v, 5, g, 1e-6))}


# --- trees ---------------------------------------------------------------------------------------
def forest(rounds, name):
    "The fit of a forest of 100 trees, and its share of right answers on ten held-out quarters."
    data = load(name)
    ways = {who: lambda kind=kind: kind(100, random_state=0).fit(data.x, data.y)
            for who, kind in (('ours', RandomForestClassifier),
                              ('scikit-learn', sk.RandomForestClassifier))}
    scores, = definitions(18, 'our_and_their_scores', ensemble=sk,
                          train_test_split=train_test_split)
    ours, theirs = scores(data, 'RandomForestClassifier', len(data.x) * 3 // 4, trees=100)
    return {'times': in_turn(min(rounds, 15), **ways),
            'scores': {'ours': ours.tolist(), 'scikit-learn': theirs.tolist()}}


def boosting(rounds, name, kind='Classifier'):
    "The fit of 100 rounds, and the scores for ten seeds, each row judged once."
    data = load(name)
    kinds = {'OURS': {'Classifier': GradientBoostingClassifier,
                      'Regressor': GradientBoostingRegressor},
             'THEIRS': {'Classifier': sk.GradientBoostingClassifier,
                        'Regressor': sk.GradientBoostingRegressor},
             'HIST': {'Classifier': sk.HistGradientBoostingClassifier,
                      'Regressor': sk.HistGradientBoostingRegressor}}
    fits_of, scores = definitions(19, 'fits_of', 'scores', **kinds, KFold=KFold,
                                  StratifiedKFold=StratifiedKFold, cross_val_score=cross_val_score)
    fits = fits_of(data.x.astype(float), data.y, kind, 100)
    ways = dict(zip(('ours', 'scikit-learn', 'its Hist…'), fits.values(), strict=True))
    ours, theirs = scores(data.x, data.y, kind, 100).T
    return {'times': in_turn(min(rounds, 7), **ways),
            'scores': {'ours': ours.tolist(), 'scikit-learn': theirs.tolist()}}


CASES = {'step': step, 'picture': picture,
         'conv 1': lambda rounds: convolution(rounds, 1, 8),
         'conv 8': lambda rounds: convolution(rounds, 8, 16),
         'batchnorm': normalisation, 'softmax': softmax, 'adamw': adamw,
         'forest cancer': lambda rounds: forest(rounds, 'breast_cancer'),
         'forest digits': lambda rounds: forest(rounds, 'digits'),
         'boosting cancer': lambda rounds: boosting(rounds, 'breast_cancer'),
         'boosting digits': lambda rounds: boosting(rounds, 'digits'),
         'boosting diabetes': lambda rounds: boosting(rounds, 'diabetes', 'Regressor')}
