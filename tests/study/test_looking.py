"""A study that looks inside its runs: which, what is kept, and that its curves never depend on it."""

import keras
import numpy as np
import pytest

import normwise as nw
from normwise.study.inside_files import read_inside

SETTINGS = {"variants": ["none", "before"], "epochs": 4, "seeds": 2, "batch_size": 64}


def study(**settings):
    return nw.Study("circles", "circles", remedy=False, **SETTINGS | settings)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("looked")
    return study().run(), study(probe=True).run(out=out), out


def test_curves_are_the_same_bit_for_bit(results):
    without, probed, _ = results
    assert [one.key for one in without.records] == [one.key for one in probed.records]
    for one, other in zip(without.records, probed.records, strict=True):
        assert one.curves == other.curves
    assert without.answer.verdict == probed.answer.verdict


def test_two_runs_of_each_variant_are_looked_at_in_each_epoch(results):
    _, probed, _ = results
    assert [(one.key.variant, one.key.seed) for one in probed.inside] == [
        ("none", 0), ("none", 1), ("before", 0), ("before", 1),
    ]  # fmt: skip
    assert {one.epochs for one in probed.inside} == {4}
    for one in probed.inside:
        assert {len(values) for values in one.series.values()} == {4}


def test_what_is_looked_at_trains_as_the_study_does(results):
    """Its losses at the first step of an epoch are not those of the epoch; the epoch's are alike."""
    _, probed, _ = results
    assert all(one.difference < 1e-5 for one in probed.inside)


def test_what_was_seen_is_read_again_from_the_folder(results):
    _, probed, out = results
    there = read_inside(out, [one.key for one in probed.inside])
    for one, other in zip(probed.inside, there, strict=True):
        assert (one.key, one.names, one.difference) == (other.key, other.names, other.difference)
        for name, values in one.series.items():
            np.testing.assert_array_equal(values, other.series[name])


def test_nothing_trains_again_where_the_folder_has_it(results):
    _, _, out = results
    before = {path: path.stat().st_mtime_ns for path in (out / "inside").iterdir()}
    again = study(probe=True).run(out=out)
    assert len(again.inside) == 4
    assert {path: path.stat().st_mtime_ns for path in (out / "inside").iterdir()} == before


def test_a_file_that_does_not_read_is_made_again(results, caplog):
    _, probed, out = results
    path = out / "inside" / f"{probed.inside[0].key.digest}.npz"
    path.write_bytes(path.read_bytes()[:100])
    again = study(probe=True).run(out=out)
    assert f"{path} does not read" in caplog.text
    np.testing.assert_array_equal(
        again.inside[0].series["gradients/norm"], probed.inside[0].series["gradients/norm"]
    )


def test_fit_sees_what_the_stack_sees(results):
    """Two ways of training, and two programs: the same to rounding."""
    _, probed, _ = results
    by_fit = study(probe=True, engine="fit", variants=["before"], probe_runs=1, seeds=1).run()
    [own], stacked = by_fit.inside, probed.inside[2]
    assert own.names == stacked.names
    for name, values in own.series.items():
        scale = np.nanmax(np.abs(values), initial=1e-6)
        np.testing.assert_allclose(stacked.series[name], values, rtol=1e-3, atol=1e-3 * scale)


def test_a_run_looks_the_same_without_the_other_one(results):
    _, probed, _ = results
    alone = study(probe=True, probe_runs=1, variants=["before"], seeds=1).run()
    for name, values in alone.inside[0].series.items():
        scale = np.nanmax(np.abs(values), initial=1e-6)
        np.testing.assert_allclose(
            probed.inside[2].series[name], values, rtol=1e-3, atol=1e-3 * scale
        )


def classifier(rate):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


X = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)


def looked_into(rate, **settings):
    own = {"variants": ["none"], "epochs": 4, "seeds": 1, "remedy": False, "probe": True}
    return nw.Study(lambda: classifier(rate), (X, X[:, :1]), **own | settings).run()


class Slower(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):  # noqa: ARG002 (Keras')
        self.model.optimizer.learning_rate.assign(0.1 * 0.01**epoch)


@pytest.mark.parametrize("callback", [Slower, None])
def test_what_is_looked_at_trains_with_the_callbacks_of_the_study(callback):
    """A rate of a hundredth makes a step of about a hundredth."""
    found = looked_into(0.1, engine="fit", callbacks=callback and (lambda: [Slower()]))
    update = found.inside[0].series["gradients/update"][:, 0]
    ratios = update[1:] / update[:-1]
    assert (ratios < 0.03).all() == (callback is not None)


def test_a_run_that_a_callback_ends_is_looked_at_as_long_as_it_trains():
    def stopping():
        return [keras.callbacks.EarlyStopping("loss", patience=0, min_delta=100.0)]

    found = looked_into(0.1, engine="fit", callbacks=stopping)
    assert found.records[0].ended_at == 2
    assert found.inside[0].epochs == 2


@pytest.mark.parametrize("engine", ["stacked", "fit"])
def test_a_run_that_diverges_is_seen_to(engine):
    found = looked_into(1e5, engine=engine, target="val_loss<=0.5", seeds=3, probe_runs=3)
    assert len(found.inside) == 3  # on two devices a stack has room for a fourth
    loss = found.inside[2].series["gradients/loss"]
    assert found.records[0].diverged_at == 1
    assert np.isfinite(loss[0])
    assert np.isnan(loss[1:]).all()
    text = " ".join(found.page.section("Gradients").text)
    assert "gradients explode at epochs 2 to 4" in text


def own_steps():
    class Own(keras.Model):
        def train_step(self, state, data):
            return super().train_step(state, data)

    inputs = keras.Input((2,))
    model = Own(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    return nw.Study(model, (x, x[:, :1]), variants=["none"], epochs=1, seeds=1, probe=True)


def test_of_steps_of_the_users_own_signals_are_seen():
    [found] = own_steps().run().inside
    assert {name.split("/")[0] for name in found.series} == {"activations"}


def test_an_interrupt_while_looking_leaves_the_answer(monkeypatch, caplog):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("normwise.study.looking.StackLooks.looked_at", interrupted)
        found = looked_into(0.1, epochs=1)
    assert not found.inside
    assert found.answer.variants
    assert "Interrupted while looking inside: 0 of 1 runs are looked into" in caplog.text


def test_where_memory_does_not_suffice_the_study_answers_all_the_same(monkeypatch, caplog):
    def out_of_memory(*_):
        raise MemoryError("no room")

    monkeypatch.setattr("normwise.study.looking.StackLooks.looked_at", out_of_memory)
    found = own_steps().run()
    assert not found.inside
    assert found.answer.variants
    assert "none is not looked into: memory does not suffice" in caplog.text
