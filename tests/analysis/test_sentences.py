"""What the sentence of a study says of each comparison, from numbers made by hand."""

import dataclasses
import math
from itertools import pairwise

import pytest

from normwise.analysis._recommend import recommend
from normwise.analysis._verdict import verdict
from normwise.domain import Comparison, Ending, EpochsToTarget, Estimate, Target, VariantSummary

INF = math.inf
TARGET = Target.parse("val_accuracy>=0.8")
SOME = Estimate(0.0, -1.0, 1.0, n=5)
BETTER = ("better", SOME, 0.01)


def variant(name, median=10.0, *, reached=5, diverged=0, final=0.9, pace=math.nan, decades=None):
    middle = Estimate(median, 0, INF)
    times = EpochsToTarget(middle, middle, reached, 5 - reached - diverged, diverged)
    width = None if decades is None else Estimate(decades, 0, 9)
    return VariantSummary(
        name, 5, {}, times, pace, 0.1, working_range=width,
        final_median={"val_accuracy": Estimate(final, final, final)},
    )  # fmt: skip


def compared(name, outcome, ratio, *, seconds=math.nan, gain=None, ends=BETTER, seeds=None):
    ratio = Estimate(*ratio) if isinstance(ratio, tuple) else Estimate(ratio, ratio / 2, 2 * ratio)
    return Comparison(
        name, "none", outcome, ratio, Estimate(seconds, 0, INF), seeds,
        range_gain=None if gain is None else Estimate(*gain),
        confidence=0.95,
        ending=ends and Ending(*ends),
    )  # fmt: skip


def sentence(variants, comparisons, recommended=None):
    return verdict(
        TARGET, variants, comparisons, recommended or recommend("none", comparisons),
        best=("none", 0.5), certain=TARGET, horizon=30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("median", "reached", "words", "against"),
    [
        (1.0, 5, "in 1 epoch", " instead of 0.5"),
        (2.0, 5, "in 2 epochs", " instead of 0.5"),
        (INF, 2, "in 2 of 5 replicas within 30 epochs", ", where `none` needs 0.5"),
    ],
)
def test_when_a_variant_arrives(median, reached, words, against):
    only = sentence([variant("none", median, reached=reached)], [])
    assert only == (
        f"There is only `none`: it reaches val_accuracy>=0.8 {words}; add a variant such as "
        f"'after' to compare it with."
    )
    alone = sentence([variant("after", median, reached=reached)], [])
    assert alone.endswith(f" {words}; add a variant such as 'none' to compare it with.")
    pair = [variant("none", 0.5), variant("after", median, reached=reached)]
    both = sentence(pair, [compared("after", "hurts", 0.5)])
    assert f"`after` reaches val_accuracy>=0.8 {words}{against}, 0.5 times as fast" in both


@pytest.mark.parametrize(
    ("median", "ratio", "words"),
    [
        (11.0, 1.5, "instead of 10, though over all seeds a speed-up of 1.5 ("),
        (9.0, 0.8, "instead of 10, though over all seeds 0.8 times as fast ("),
        (9.0, 1.5, "instead of 10, a speed-up of 1.5 ("),
        (10.0, 1.5, "instead of 10, a speed-up of 1.5 ("),
        (11.0, 0.8, "instead of 10, 0.8 times as fast ("),
    ],
)
def test_a_ratio_and_medians_that_disagree_are_not_told_as_one(median, ratio, words):
    pair = [variant("none"), variant("after", median)]
    assert words in sentence(pair, [compared("after", "undecided", ratio)])


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        ((math.nan, 0, INF), "a speed-up that cannot be estimated yet"),
        ((0.0, 0, 0.5), "a speed-up that cannot be estimated (0 to 0.5)"),
        ((INF, 0, INF), "a speed-up that cannot be estimated yet"),
        # Only the variant arrives, and yet it may be half as fast.
        ((INF, 0.5, INF), "a speed-up that cannot be estimated (0.5 and up)"),
        ((1.5, 1.2, 2.5), "a speed-up of 1.5 (1.2 to 2.5)"),
        ((1.5, 1 - 1e-6, 1 + 1e-6), "a speed-up of 1.5 (below 1 to above 1)"),
        ((0.5, 0.2, INF), "0.5 times as fast (0.2 and up)"),
        ((1.5, 1 + 1e-6, INF), "a speed-up of 1.5 (above 1)"),
        ((1.5, 1 - 1e-6, INF), "a speed-up of 1.5 (below 1 and up)"),
        ((0.5, 0, INF), "0.5 times as fast (without bounds yet)"),
    ],
)  # fmt: skip
def test_how_a_ratio_is_told(ratio, words):
    found = sentence(
        [variant("none"), variant("after")], [compared("after", "undecided", ratio, ends=None)]
    )
    assert found == (
        f"Undecided: `after` reaches val_accuracy>=0.8 in 10 epochs instead of 10, "
        f"{words}; how many seeds would decide it cannot be foreseen: try more seeds or epochs."
    )


def first_epoch(*medians, certain):
    pair = [variant(*each) for each in zip(("none", "after"), medians, strict=True)]
    alike = [compared("after", "undecided", (1.0, 0.0, INF))]
    return verdict(
        TARGET, pair, alike, "none", best=("none", 0.97), certain=certain, horizon=30
    )  # fmt: skip


@pytest.mark.parametrize(
    ("certain", "end"),
    [
        (
            Target("val_accuracy", ">=", 0.96),
            "try a harder --target, such as 'val_accuracy>=0.96', where a typical replica ends.",
        ),
        (TARGET, "try a harder --target."),
        (None, "try a harder --target."),
    ],
)
def test_where_all_arrive_in_the_first_epoch_a_harder_target_would_tell(certain, end):
    said = first_epoch(1.0, 1.0, certain=certain)
    assert said.endswith(f", since most replicas of both arrive in the first epoch: {end}")
    assert "more epochs" not in said
    assert first_epoch(2.0, 1.0, certain=certain).endswith(
        "cannot be foreseen: try more seeds or epochs."
    )


@pytest.mark.parametrize(
    ("outcome", "ratio", "words"),
    [
        ("helps", (1.001, 1.0001, 1.2), "slightly sooner (above 1 to 1.2)"),
        ("helps", (INF, 1.0001, INF), "slightly sooner (above 1)"),
        ("helps", (INF, 1.2, INF), "at least 1.2 times sooner (1.2 and up)"),
        ("hurts", (0.9999, 0.9, 0.99999), "slightly later (0.9 to below 1)"),
    ],
)
def test_a_ratio_beside_one_is_not_told_as_one(outcome, ratio, words):
    pair = [variant("none"), variant("after")]
    assert words in sentence(pair, [compared("after", outcome, ratio)])


def test_seeds_that_would_decide_are_named():
    pair = [variant("none"), variant("after"), variant("before")]
    found = sentence(pair, [
        compared("after", "undecided", 1.5, seeds=40, ends=None),
        compared("before", "undecided", 1.2, seeds=60, ends=None),
    ])  # fmt: skip
    assert (
        "; about 40 seeds would decide it.\n`before` is undecided (about 60 seeds needed)." in found
    )
    unknown = sentence(
        pair, [compared("after", "helps", 1.5), compared("before", "undecided", 1.2, ends=None)]
    )
    assert unknown.endswith(".\n`before` is undecided.")


def test_a_variant_that_never_arrives_hurts_by_at_least_a_bound():
    pair = [variant("none"), variant("after", INF, reached=0)]
    found = sentence(pair, [compared("after", "hurts", (0.0, 0.0, 0.892))])
    assert "needs 10, at most 0.892 times as fast (0 to 0.892)" in found


@pytest.mark.parametrize(
    ("outcome", "ratio", "words"),
    [
        ("helps", 1.25, "`before` helps too (1.25 times), and ends better, at 0.9 instead of 0.9."),
        ("helps", (INF, 1.1, INF), "`before` helps too, and ends better, at 0.9 instead of 0.9."),
        ("hurts", 0.5, "`before` hurts (0.5 times as fast), but ends better, at 0.9 instead of 0.9."),
        ("hurts", (0.0, 0.0, 0.9),
         "`before` hurts (at most 0.9 times as fast), but ends better, at 0.9 instead of 0.9."),
        ("no difference", 1.0,
         "`before` makes no difference, but ends better, at 0.9 instead of 0.9."),
        ("undecided", 1.0, "`before` is undecided, and ends better, at 0.9 instead of 0.9."),
    ],
)  # fmt: skip
def test_what_is_said_of_others(outcome, ratio, words):
    three = [variant("none"), variant("after"), variant("before")]
    others = [compared("after", "helps", 2.0), compared("before", outcome, ratio)]
    assert sentence(three, others, "after").endswith(".\n" + words)


ORDER = ["helps", "undecided", "no difference", "hurts"]


@pytest.mark.parametrize(("first", "second"), list(pairwise(ORDER)))
def test_the_sentence_begins_with_what_matters_most(first, second):
    three = [variant("none"), variant("after"), variant("before")]
    both = [compared("before", second, 9.0), compared("after", first, 0.5)]
    assert "`after` reaches" in sentence(three, both, "none")
    # Whatever is recommended comes first; of one outcome, what is faster, and what is known.
    assert "`before` reaches" in sentence(three, both, "before")
    alike = [compared("before", first, 1.5), compared("after", first, 2.5)]
    assert "`after` reaches" in sentence(three, alike, "none")
    known = [compared("before", first, (math.nan, 0, INF)), compared("after", first, 0.5)]
    assert "`after` reaches" in sentence(three, known, "none")


STAYS = ", so `none` stays recommended."
OPEN = ", but its end is open (at 0.8 instead of 0.9"
MORE = ", but diverges more often than `none` (2 of 10 replicas instead of 1 of 9)"


@pytest.mark.parametrize(
    ("outcome", "ends", "words"),
    [
        ("helps", ("worse", SOME, 0.01), ", but ends worse, at 0.8 instead of 0.9."),
        ("hurts", ("worse", SOME, 0.01), ", and ends worse, at 0.8 instead of 0.9."),
        ("hurts", BETTER, ", but ends better, at 0.8 instead of 0.9."),
        ("helps", BETTER, ", and ends better, at 0.8 instead of 0.9."),
        ("helps", ("no worse", SOME, 0.0125), ", and ends no worse."),
        ("hurts", ("no worse", SOME, 0.01), " times as fast (1 to 4)."),
        ("helps", ("open", SOME, 0.01), f"{OPEN}){STAYS}"),
        ("hurts", ("open", SOME, 0.01), " times as fast (1 to 4)."),
        ("helps", ("open", SOME, 0.01, 0.95, 0, 5, 0, 5, 40),
         f"{OPEN}; about 40 seeds would settle it){STAYS}"),
        ("helps", ("open", SOME, 0.01, 0.95, 2, 10, 1, 9),
         f"{MORE}{STAYS}\nDiverged: 1 of 5 replicas of `none`, 2 of 5 replicas of `after`."),
        ("helps", ("open", Estimate(math.nan, -INF, INF), 0.01),
         f", but nothing says how it ends{STAYS}"),
        ("helps", None, " times sooner (1 to 4)."),
    ],
)  # fmt: skip
def test_how_a_variant_ends(outcome, ends, words):
    pair = [variant("none"), variant("after", final=0.8)]
    assert sentence(pair, [compared("after", outcome, 2.0, ends=ends)]).endswith(words)


def test_that_the_baseline_stays_is_said_once_and_only_where_it_does():
    three = [variant("none"), variant("after"), variant("before")]
    both = [compared(name, "helps", 2.0, ends=("open", SOME, 0.01)) for name in ("after", "before")]
    assert sentence(three, both).count("stays recommended") == 1
    assert "stays" not in sentence(three, [both[0], compared("before", "helps", 1.5)])


@pytest.mark.parametrize(
    ("final", "words"), [(-INF, "nothing finite"), (math.nan, "an unknown value")]
)
def test_an_end_without_a_number_is_told(final, words):
    pair = [variant("none"), variant("after", final=final)]
    found = sentence(pair, [compared("after", "hurts", 0.5, ends=("worse", SOME, 0.01))])
    assert found.endswith(f", and ends worse, at {words} instead of 0.9.")


@pytest.mark.parametrize("ends", [None, ("open", SOME, 0.01), ("worse", SOME, 0.01)])
def test_only_what_is_shown_to_end_no_worse_is_recommended(ends):
    unknown = compared("after", "helps", 2.0, ends=ends)
    assert recommend("none", [unknown]) == "none"
    slower = compared("before", "helps", 1.5, ends=("no worse", SOME, 0.01))
    assert recommend("none", [unknown, slower]) == "before"
    faster = compared("input", "helps", 3.0)
    assert recommend("none", [unknown, slower, faster]) == "input"
    assert recommend("none", [compared("after", "no difference", 1.0)]) == "none"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (
            0.8,
            ", but in seconds only 0.8 times as fast, since an epoch takes 2.5 times as long, and",
        ),
        (1.0, ", 1 times in seconds, and"),
        (1.5, ", 1.5 times in seconds, and"),
        (math.nan, "(1 to 4), and"),
    ],
)
def test_what_fewer_epochs_are_in_seconds(seconds, words):
    pair = [variant("none", pace=0.2), variant("after", pace=0.5)]
    assert words in sentence(pair, [compared("after", "helps", 2.0, seconds=seconds)])
    three = [*pair, variant("before", pace=0.5)]
    others = [compared("after", "helps", 2.0), compared("before", "helps", 1.5, seconds=seconds)]
    assert words.removeprefix("(1 to 4)") in sentence(three, others).splitlines()[1]


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((0.5, 0.1, 0.9), "(wider by 0.1 to 0.9)"),
        ((-0.5, -0.9, -0.1), "(narrower by 0.1 to 0.9)"),
        ((0.1, -0.4, 0.6), "(open: from 0.4 narrower to 0.6 wider)"),
        ((0.3, 0.0, 0.6), "(open: from 0 narrower to 0.6 wider)"),
        ((-0.3, -0.6, 0.0), "(open: from 0.6 narrower to 0 wider)"),
        ((0.5, 0.1, INF), "(wider by at least 0.1)"),
        ((-0.5, -INF, -0.4), "(narrower by at least 0.4)"),
        ((-0.5, -INF, 0.4), "(open: at most 0.4 wider)"),
        ((0.5, -0.1, INF), "(open: at most 0.1 narrower)"),
        ((0.5, -INF, INF), "(open: a range goes on beyond the grid)"),
    ],
)  # fmt: skip
def test_over_which_learning_rates_it_works(gain, words):
    pair = [variant("none", decades=2.0), variant("after", decades=2.5)]
    found = sentence(pair, [compared("after", "helps", 2.0, gain=gain)])
    assert found.endswith(f", and works over 2.5 decades of learning rates instead of 2 {words}.")


@pytest.mark.parametrize(
    ("theirs", "ours", "gain"),
    [(None, 2.0, (0.5, 0.1, 0.9)), (2.0, None, (0.5, 0.1, 0.9)), (2.0, 2.0, None)],
)
def test_a_range_that_is_not_known_is_not_told(theirs, ours, gain):
    pair = [variant("none", decades=theirs), variant("after", decades=ours)]
    assert "decades" not in sentence(pair, [compared("after", "helps", 2.0, gain=gain)])


def test_all_that_diverged_is_counted():
    pair = [variant("none", reached=3, diverged=2), variant("after", reached=4, diverged=1)]
    found = sentence(pair, [compared("after", "helps", 2.0)])
    assert found.endswith(".\nDiverged: 2 of 5 replicas of `none`, 1 of 5 replicas of `after`.")


def test_what_diverged_after_it_had_arrived_is_counted_too():
    pair = [variant("none"), variant("after", reached=4, diverged=1)]
    ends = ("worse", SOME, 0.01, 0.95, 3, 5, 2, 5)  # 3 of 5 and 2 of 5 diverge at last
    found = sentence(pair, [compared("after", "helps", 2.0, ends=ends)])
    assert found.endswith(".\nDiverged: 2 of 5 replicas of `none`, 3 of 5 replicas of `after`.")


@pytest.mark.parametrize(("horizon", "words"), [(1, "within 1 epoch"), (2, "within 2 epochs")])
def test_one_epoch_is_one_epoch(horizon, words):
    options = {"best": ("none", 0.5), "certain": TARGET, "horizon": horizon}
    pair = [variant("none"), variant("after", INF, reached=2)]
    some = verdict(TARGET, pair, [compared("after", "hurts", 0.5)], "none", **options)
    assert f"in 2 of 5 replicas {words}, where" in some
    nobody = verdict(TARGET, [variant("none", INF, reached=0)], [], "none", **options)
    assert f"No variant reaches val_accuracy>=0.8 {words}: the best" in nobody


@pytest.mark.parametrize(
    ("medians", "words"),
    [
        ((20.0, 10.0), "in 10 epochs instead of 20 of `none` (depth 6), 2 times"),
        ((20.0, INF), "in 2 of 5 replicas within 30 epochs, where `none` (depth 6) needs 20, 2 "),
        ((INF, 10.0), "in 10 epochs where `none` (depth 6) does in 2 of 5 replicas, 2 "),
    ],
)
def test_several_depths_are_named(medians, words):
    none, after = (
        dataclasses.replace(variant(name, median, reached=5 if median < INF else 2), depth=depth)
        for name, median, depth in zip(("none", "after"), medians, (6, 3), strict=True)
    )
    before = dataclasses.replace(variant("before"), depth=1)
    both = [compared("after", "helps", 2.0), compared("before", "hurts", 0.5)]
    options = {"best": ("none", 0.5), "certain": TARGET, "horizon": 30}
    found = verdict(TARGET, [none, after, before], both, "after", **options, depths=True)
    assert f": `after` (depth 3) reaches val_accuracy>=0.8 {words}" in found
    assert "\n`before` (depth 1) hurts" in found
    assert "depth" not in verdict(TARGET, [none, after, before], both, "after", **options)


def test_where_half_of_the_seeds_judge_that_is_said_once():
    options = {"best": ("none", 0.5), "certain": TARGET, "horizon": 30, "halved": True}
    pair, found = [variant("none"), variant("after")], [compared("after", "helps", 2.0)]
    words = verdict(TARGET, pair, found, "after", **options)
    assert "helps here: on the 5 seeds that judge, `after` reaches" in words
    assert words.count("that judge") == 1
    fewer = [dataclasses.replace(pair[0], seeds=4), pair[1]]
    assert ": on the seeds that judge, `after`" in verdict(TARGET, fewer, found, "after", **options)
    only = verdict(TARGET, pair[:1], [], "none", **options)
    assert only.startswith("There is only `none`: on the 5 seeds that judge, it reaches")
