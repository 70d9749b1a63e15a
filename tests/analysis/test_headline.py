"""What a reader takes away in ten seconds: at most twelve words, from numbers made by hand."""

import dataclasses
import itertools
import math

import pytest

from normwise.analysis._headline import MOST_WORDS, headline
from normwise.domain import (
    Comparison,
    Ending,
    EpochsToTarget,
    Estimate,
    Lag,
    Summary,
    Target,
    VariantSummary,
)

INF = math.inf
BETTER = Ending("better", Estimate(0.1, 0.05, 0.2), 0.01)
WORSE = Ending("worse", Estimate(-0.1, -0.2, -0.05), 0.01)
DIVERGES = Ending("open", Estimate(0, -1, 1), 0.01, 0.95, 2, 10, 1, 10)
SAME = Ending("no worse", Estimate(-0.002, -0.01, 0.01), 0.01)


def variant(name, *, reached=5, lags=False):
    middle = Estimate(10.0, 0, INF)
    lag = Lag(middle, middle, decides=True, momentum=0.99) if lags else None
    times = EpochsToTarget(middle, middle, reached, 5 - reached, 0)
    return VariantSummary(name, 5, {}, times, math.nan, 0.1, lag=lag)


def compared(name, outcome, ratio=(2.04, 1.5, 3.0), *, seeds=None, ends=SAME, learning=None):
    learned = learning and Estimate(8.04, 6, 9)
    return Comparison(
        name, "none", outcome, Estimate(*ratio), Estimate(math.nan, 0, INF), seeds, ending=ends,
        learning_ratio=learned, learning_outcome=learning,
    )  # fmt: skip


def told(*comparisons, lags=(), reached=5, target="val_accuracy>=0.8", recommended="", **options):
    names = dict.fromkeys(["none", *(one.baseline for one in comparisons)])
    names |= dict.fromkeys(one.variant for one in comparisons)
    variants = tuple(variant(name, reached=reached, lags=name in lags) for name in names)
    summary = Summary("x", Target.parse(target), variants, comparisons, "", recommended)
    return headline(summary, best=("none", 0.7412), horizon=30, **options)


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("after", "After the activation"),
        ("before", "Before the activation"),
        ("input", "At the input"),
        ("before+after", "Before and after the activation"),
        ("after:momentum=auto", "After the activation (`momentum=auto`)"),
        ("before:norm=rms,scale=false", "`before:norm=rms,scale=false`"),
        ("none:drop_after=0.3", "`none:drop_after=0.3`"),
        ("my model", "`my model`"),
    ],
)
def test_where_it_normalises_is_said_in_words(name, who):
    assert told(compared(name, "helps")) == f"{who}: arrives 2× sooner, same accuracy"


def test_of_runs_from_elsewhere_a_name_is_no_place():
    one = dataclasses.replace(compared("after", "helps"), baseline="before")
    assert told(one, elsewhere=True).startswith("`after` against `before`: arrives 2× sooner")


@pytest.mark.parametrize(
    ("ends", "target", "words"),
    [
        (SAME, "val_mean_iou>=0.8", ", same mean iou"),
        (Ending("no worse", Estimate(0.02, -0.01, 0.03), 0.01), "val_accuracy>=0.8",
         ", no worse accuracy"),
        (Ending("better", Estimate(0.1, 0.05, 0.2), 0.01), "val_accuracy>=0.8", ", higher accuracy"),
        (Ending("worse", Estimate(-0.1, -0.2, -0.05), 0.01), "accuracy>=0.8", ", but lower accuracy"),
        (Ending("better", Estimate(-0.1, -0.2, -0.05), 0.01), "val_loss<=0.8", ", lower loss"),
        (Ending("worse", Estimate(0.1, 0.05, 0.2), 0.01), "val_loss<=0.8", ", but higher loss"),
        (Ending("open", Estimate(0.0, -1, 1), 0.01), "val_loss<=0.8", ", loss undecided"),
        (None, "val_loss<=0.8", ""),
    ],
)  # fmt: skip
def test_how_it_ends_is_said_in_the_targets_metric(ends, target, words):
    found = told(compared("after", "helps", ends=ends), target=target)
    assert found == f"After the activation: arrives 2× sooner{words}"


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (compared("after", "helps", (INF, 1.53, INF)),
         "After the activation: arrives at least 1.5× sooner, same accuracy"),
        (compared("after", "helps", (1.04, 1.01, 1.2)),
         "After the activation: arrives 1.04× sooner, same accuracy"),
        (compared("after", "helps", (134.2, 9, INF)),
         "After the activation: arrives 134× sooner, same accuracy"),
        (compared("after", "hurts", (0.4, 0.3, 0.6)),
         "After the activation: needs 2.5× as many epochs, same accuracy"),
        (compared("after", "no difference", (1.0, 0.9, 1.1)),
         "After the activation: arrives as soon, same accuracy"),
        (compared("after", "undecided", (1.31, 0.8, 2.12), seeds=20),
         "After the activation: undecided, 1.3× as fast; about 20 seeds decide"),
        (compared("after", "undecided", (1.31, 0.8, 2.12)),
         "After the activation: undecided, 1.3× as fast (0.8 to 2.1)"),
        (compared("input", "undecided", (1.31, 0.8, INF)),
         "At the input: undecided, 1.3× as fast (0.8 and up)"),
        (compared("after", "undecided", (math.nan, 0, INF), seeds=20),
         "After the activation: undecided; about 20 seeds decide"),
    ],
)  # fmt: skip
def test_what_is_said_of_each_outcome(comparison, words):
    assert told(comparison) == words


@pytest.mark.parametrize(
    ("learning", "words"),
    [
        ("helps", "learns 8× sooner; lagging statistics hide it"),
        ("hurts", "statistics lag; it learns later, too"),
        ("no difference", "statistics lag; it learns no sooner"),
        ("undecided", "statistics lag; its learning is undecided"),
    ],
)
@pytest.mark.parametrize("outcome", ["hurts", "no difference", "undecided"])
def test_lag_is_not_called_learning(outcome, learning, words):
    found = told(compared("after", outcome, learning=learning), lags=["after"])
    assert found == f"After the activation: {words}"


@pytest.mark.parametrize(
    ("outcome", "ends", "words"),
    [
        ("no difference", BETTER, "arrives as soon, but higher accuracy"),
        ("no difference", WORSE, "arrives as soon, but lower accuracy"),
        ("hurts", BETTER, "needs 2.5× as many epochs, but higher accuracy"),
        ("undecided", BETTER, "undecided, 2× as fast, but higher accuracy"),
        ("undecided", DIVERGES, "undecided, 2× as fast, but diverges more often"),
        ("helps", DIVERGES, "arrives 2× sooner, but diverges more often"),
    ],
)
def test_an_end_that_is_otherwise_than_the_arrival_is_said(outcome, ends, words):
    ratio = (0.4, 0.3, 0.6) if outcome == "hurts" else (2.04, 1.5, 3.0)
    found = told(compared("after", outcome, ratio, seeds=20, ends=ends))
    assert found == f"After the activation: {words}"


def test_who_never_arrives_is_counted():
    one = dataclasses.replace(compared("after", "helps"), never_difference=Estimate(0.5, 0.1, 0.8))
    never = Estimate(0.4, 0.1, 0.8, n=5, censored=2)
    few = dataclasses.replace(variant("after", reached=3), never=never)
    summary = Summary("x", Target.parse("loss<=1"), (variant("none"), few), (one,), "", "after")
    found = headline(summary, best=("none", 1.0), horizon=30)
    assert found == "After the activation: arrives 2× sooner, but 2 of 5 never arrive"


def test_what_is_learned_is_said_where_another_variant_lags():
    auto, after = "after:momentum=auto", compared("after", "hurts", learning="helps")
    pair = compared(auto, "helps", learning="helps"), after
    assert told(*pair, recommended=auto).startswith(
        "After the activation (`momentum=auto`): arrives 2×"
    )
    lagging = told(*pair, recommended=auto, lags=["after"])
    assert lagging == "After the activation (`momentum=auto`): learns 8× sooner, same accuracy"


def two(comparison, *, reached, of_baseline=5):
    """A comparison of which so many of five arrive."""
    sides = [
        dataclasses.replace(
            variant(name, reached=count),
            never=Estimate(1 - count / 5, 0, 1, n=5, censored=5 - count),
        )
        for name, count in (("none", of_baseline), ("after", reached))
    ]
    summary = Summary("x", Target.parse("val_accuracy>=0.8"), tuple(sides), (comparison,), "", "")
    return headline(summary, best=("none", 0.9), horizon=30)


def test_medians_that_are_alike_are_not_called_so_many_times_sooner():
    one = compared("after", "helps", (1.0, 1.0001, 2.0))
    assert two(one, reached=5) == "After the activation: arrives slightly sooner, same accuracy"
    more = two(one, reached=5, of_baseline=2)
    assert more == "After the activation: arrives more often, same accuracy"
    bound = compared("after", "helps", (INF, 1.001, INF))
    assert two(bound, reached=5).startswith("After the activation: arrives slightly sooner")
    near = compared("after", "helps", (99.9999, 9, 200))
    assert two(near, reached=5).startswith("After the activation: arrives 100× sooner")


def test_who_hardly_arrives_is_counted():
    never = compared("after", "hurts", (0.0, 0.0, 0.6))
    assert two(never, reached=0) == "After the activation: does not arrive, same accuracy"
    assert two(never, reached=1) == "After the activation: arrives in 1 of 5, same accuracy"
    worse = dataclasses.replace(never, ending=WORSE, never_difference=Estimate(1.0, 0.5, 1.0))
    assert two(worse, reached=0) == "After the activation: does not arrive, and lower accuracy"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("after:norm=layer", "After the activation (`norm=layer`) against `before+after`: "),
        ("my own net of 3", "`my own net of 3` against `before+after`: "),
        ("a name of very many words that says it", "The variant: "),
    ],
)
@pytest.mark.parametrize("outcome", ["helps", "no difference", "hurts", "undecided"])
@pytest.mark.parametrize("ends", [WORSE, DIVERGES, BETTER])
def test_no_name_is_so_long_that_what_contradicts_is_left_out(name, words, outcome, ends):
    one = dataclasses.replace(compared(name, outcome, ends=ends), baseline="before+after")
    found = told(one, target="val_sparse_top_k_categorical_accuracy>=0.8")
    said = {WORSE: ("ends worse", "lower sparse"), DIVERGES: ("diverges more",),
            BETTER: ("ends better", "higher sparse")}[ends]  # fmt: skip
    assert found.startswith((words, "The variant: "))
    if (outcome, ends) != ("helps", BETTER):
        assert any(each in found for each in said), found


def test_a_lag_does_not_hide_what_diverges():
    one = compared("after", "hurts", ends=DIVERGES, learning="helps")
    found = told(one, lags=["after"])
    assert found == "After the activation: learns 8× sooner, and diverges more often"
    worse = compared("after", "helps", ends=WORSE, learning="helps")
    said = told(worse, lags=["after"])
    assert said == "After the activation: learns 8× sooner, but lower accuracy"


def test_what_is_no_normalisation_is_not_called_so():
    long = "adam with a rather long name that says all of it"
    assert told(compared(long, "helps"), elsewhere=True).startswith("The variant: arrives 2×")
    assert told(compared("before+after:only=1+2+3", "helps")).startswith("Before and after")


def test_what_arrives_sooner_and_lags_is_not_called_learned():
    both = told(compared("after", "helps", learning="helps"), lags=["after"])
    assert both == "After the activation: learns 8× sooner, arrives 2× sooner: statistics lag"
    open_ = told(compared("after", "helps", learning="undecided"), lags=["after"])
    assert open_ == "After the activation: arrives 2× sooner, same accuracy"


def test_what_is_recommended_is_told_as_the_verdict_does():
    pair = compared("after", "helps", (9.0, 8, 10)), compared("before", "helps")
    assert told(*pair).startswith("After the activation: arrives 9×")
    assert told(*pair, recommended="before").startswith("Before the activation: arrives 2×")
    against = [dataclasses.replace(one, baseline="after") for one in pair[1:]]
    assert told(*against).startswith("Before the activation against `after`: arrives 2× sooner")


def test_where_nothing_can_be_compared_that_is_said():
    assert told() == "Only `none`: nothing to compare it with"
    nobody = told(compared("after", "undecided"), reached=0)
    assert nobody == "No variant reaches val_accuracy>=0.8 within 30 epochs: 0.741 at best"


NAMES = ["after", "before+after", "input+before+after", "after:momentum=0.9",
         "before:center=false,scale=false,momentum=0.97", "a name of very many words that says all"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("outcome", ["helps", "hurts", "no difference", "undecided"])
def test_it_is_never_longer_than_twelve_words(name, outcome):
    ratios = [(2.0, 1.5, 3.0), (INF, 1.5, INF), (0.0, 0.0, 0.5), (math.nan, 0, INF)]
    ends = [SAME, None, Ending("open", Estimate(0, -1, 1), 0.1)]
    for ratio, end, lags, learning, seeds, baseline in itertools.product(
        ratios, ends, ([], [name]), (None, "helps", "hurts", "undecided"), (None, 5), ("none", name)
    ):
        one = compared(name, outcome, ratio, seeds=seeds, ends=end, learning=learning)
        one = dataclasses.replace(one, baseline=baseline)
        for target in ("val_accuracy>=0.8", "val_mean_absolute_percentage_error<=0.8"):
            for reached in (0, 5):
                found = told(one, lags=lags, target=target, reached=reached)
                assert 0 < len(found.split()) <= MOST_WORDS
