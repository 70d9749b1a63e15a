"""A study from question to answer."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.backend import require_jax
from normwise.errors import (
    ModelError,
    NotStacked,
    SpecError,
    StoreError,
    in_words,
    is_out_of_memory,
)
from normwise.execution.choosing import ExecutorLike, MakeExecutor, executor_of
from normwise.report import DrawingProcess, Page, Shown
from normwise.spec import DEFAULT_MODEL, Spec
from normwise.study.built_in import built_in
from normwise.study.inputs import Arrived, arrived, as_dataset, check_batch
from normwise.study.notebook_progress import watched
from normwise.study.notes import heard
from normwise.study.pages import page_of_question
from normwise.study.progress import Progress
from normwise.study.result import Result
from normwise.study.store import Store, held

if TYPE_CHECKING:
    from normwise.data import Dataset
    from normwise.execution.which_engine import Engine
    from normwise.models.source import ModelLike
    from normwise.study.case import Case

__all__ = ["Study"]

log = logging.getLogger("normwise")


class Study(Shown):
    """One question: does normalisation help this model on this data, and where?

    ``Study("circles")``, a name without data, is the built-in study of that name, as
    ``normwise list`` has them; whatever else is given takes the place of its own setting.

    Args:
        model: A Keras model, a function that returns one (it may take
            ``dataset`` and ``norm``), a built-in model's name, a ``.keras`` or ``.h5``
            file or ``package.module:function``. Without one, a small network that suits the
            data: ``Study(data=…)``; :meth:`show_model` is its code.
        data: ``(x, y)``, or ``(x, y, weights)``; ``((x, y), (x_val, y_val))``; a loader
            (``PyDataset``, ``DataLoader``, ``tf.data.Dataset``, a generator or a function that
            makes one), drawn once into memory, or ``(train, val)``, two of them; a
            :class:`~normwise.data.Dataset`; a built-in name; a file of data or a
            folder of pictures; a data frame, with
            ``target_column=NAME``. Of frames with text, alone or as ``x``, a table is made that
            is prepared as a file is.
        variants: Texts ``PLACE[:OPTION,…]``, ``none`` being the baseline. Unless given, those
            of ``none``, ``after`` and ``before`` that the model can have.
        sample_weight: How much each example of ``x`` counts in the training loss (of the
            training part, where the data are no arrays).
        callbacks: A function that makes the callbacks of a run (a list of Keras', or of your own);
            it may take ``variant``, a name, and ``seed``. Keras' own ``fit`` then trains the runs.
        settings: Fields of :class:`~normwise.spec.Spec`: ``epochs``, ``seeds``,
            ``batch_size``, ``learning_rate``, ``optimizer``, ``target``,
            ``class_weight``, ….

    Raises:
        UsageError: Something that was asked for cannot be honoured.

    >>> study = Study("circles", "circles", variants=["none", "after"], seeds=2, epochs=3)
    >>> study.run().summary()["recommended"]
    'none'
    >>> Study("circles", seeds=5)
    <Study of 'circles': Before or after the activation?>
    """

    def __init__(
        self,
        model: ModelLike | Path | None = None,
        data: Any = None,
        *,
        variants: str | Sequence[str] | None = None,
        sample_weight: Any = None,
        callbacks: Callable[..., Any] | None = None,
        **settings: Any,
    ) -> None:
        require_jax()
        changes = settings if variants is None else {"variants": variants, **settings}
        if data is None:
            self.spec = built_in(_as_typed(model), changes)
            model, data = self.spec.model, self.spec.data
        else:
            model, data = _as_typed(DEFAULT_MODEL if model is None else model), _as_typed(data)
            named = {
                "model": model if isinstance(model, str) else _name_of(model),
                "data": data if isinstance(data, str) else "arrays",
            }
            self.spec = Spec.make({**named, **changes})
        self._model, self._data, self._sample_weight = model, data, sample_weight
        self._arrived: Arrived | None = None
        self._callbacks = callbacks
        if callbacks is not None:
            self._engine()  # refuses

    @classmethod
    def from_spec(cls, spec: Spec) -> Study:
        """A study whose model and data are named in the spec."""
        study = cls.__new__(cls)
        require_jax()
        study.spec, study._model, study._data = spec, spec.model, spec.data
        study._sample_weight = study._arrived = study._callbacks = None
        return study

    def _shown(self) -> Page:
        return page_of_question(self.spec)

    def show_model(self) -> str:
        """The default model, which a study without a model trains, as code that runs by itself.

        Raises:
            SpecError: The study has a model of its own.
            UsageError: The data cannot be read, or there is no default model for such.

        >>> print(Study(data="circles").show_model().splitlines()[8])
                    keras.layers.Dense(64, activation="relu"),
        """
        if not self._has_no_model:
            raise SpecError(
                f"the model {self.spec.model!r} was given, and what is shown is the default one; "
                f"expected data without a model; leave the model out"
            )
        from normwise.models.default_model import default_code

        return default_code(self._read())

    def run(
        self,
        out: str | Path | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        devices: int | None = None,
        budget: float | None = None,
        executor: ExecutorLike = "local",
        ray_address: str | None = None,
    ) -> Result:
        """Train every replica and answer.

        Args:
            out: A folder for the study's files; a part of the same study that
                is already there is not trained again.
            on_progress: Called often, from the calling thread. Unless given, a notebook shows
                below its cell how far the study is; ``lambda _: None`` keeps it quiet.
            devices: How many JAX devices to use; all unless told.
            budget: Seconds; where the settings say ``until_decided``, no round of seeds
                begins that would not end within them.
            executor: Who trains: ``local``, this process; ``ray``, the processes of a Ray cluster;
                or what makes one's own :class:`~normwise.execution.Executor` of what all jobs share
                and of where states of runs are kept. The answer is the same with each.
            ray_address: ``HOST:PORT`` of a cluster that this machine belongs to, or ``auto``; a
                cluster of this machine alone unless given.

        Raises:
            StudyIncomplete: Interrupted, or runs failed, or the budget did not suffice for the
                first round; what finished is in the folder.
            UsageError: Something that was asked for cannot be honoured.

        >>> from normwise.execution.local import LocalExecutor
        >>> class Counting(LocalExecutor):
        ...     events = 0
        ...     def run(self, jobs):
        ...         for event in super().run(jobs):
        ...             Counting.events += 1
        ...             yield event
        >>> study = Study("circles", "circles", variants=["none"], seeds=2, epochs=3)
        >>> _ = study.run(executor=Counting)
        >>> Counting.events >= 7  # compiling, compiled; three segments; a checkpoint; finished
        True
        """
        _check_budget(budget, self.spec)
        make_executor = executor_of(executor, ray_address)
        with watched(on_progress) as tell:
            tell(Progress("preparing"))

            def answered(store: Store | None, drawing: DrawingProcess | None) -> Result:
                how = (store, drawing, tell, devices, budget, make_executor)
                return self._by_what_can(lambda engine: self._answer(engine, *how))

            if out is None:
                return answered(None, None)
            with held(Path(out), self.spec) as store, DrawingProcess() as drawing:
                return answered(store, drawing)

    def _by_what_can(self, answered: Callable[[Engine], Result]) -> Result:
        """The answer by the engine that was asked for, or by ``fit`` where the stack cannot."""
        from normwise.execution.which_engine import engine_after

        engine = self._engine()
        with heard() as said:
            try:
                return answered(engine)
            except NotStacked as error:
                if engine.is_fit or self.spec.engine != "auto":
                    raise
                found = engine_after(error)
        # Behind the block above: while an error is there, so is what its frames hold.
        with heard(said):
            return answered(found)

    def _answer(
        self,
        engine: Engine,
        store: Store | None,
        drawing: DrawingProcess | None,
        on_progress: Callable[[Progress], None],
        devices: int | None,
        budget: float | None,
        make_executor: MakeExecutor,
    ) -> Result:
        # Here, so that to import the package loads neither Keras nor JAX.
        from normwise.study.answering import answer, write
        from normwise.study.training import Training

        with _enough_memory_to_begin():
            case = self._case(devices, engine)
        if store is not None:
            store.spec = case.question.spec
        training = Training(case, store, on_progress, budget, make_executor)
        try:
            result = answer(training, store)
            if store is not None and drawing is not None:
                write(result, store, drawing)
                training.tidy()
        except KeyboardInterrupt:
            raise training.stopped("was interrupted") from None
        except StoreError as error:
            if not training.has_begun:
                raise
            raise training.stopped(
                str(error).split("; expected")[0],
                "expected room on the disk, and leave to write there; see to both, and",
            ) from None
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise training.stopped(
                f"ran out of memory ({in_words(error)})",
                "expected enough for what follows the training, too; free some, or take a machine "
                "with more, and",
            ) from None
        return result

    def _engine(self) -> Engine:
        from normwise.execution.which_engine import engine_for

        if self._callbacks is None:
            return engine_for(self.spec)
        from normwise.execution.callbacks import Callbacks

        return engine_for(self.spec, Callbacks.of(self._callbacks))

    def _case(self, devices: int | None, engine: Engine) -> Case:
        from normwise.study.case import open_case

        dataset = self._read()
        if self._has_no_model:
            dataset = _with_default_model(dataset)
        check_batch(self.spec, dataset)
        return open_case(self.spec, self._model, dataset, devices, engine)

    def _read(self) -> Dataset:
        from normwise.models.source import as_model_takes
        from normwise.study.known_model import asking_names, for_pictures

        self._arrived = came = self._arrived or arrived(self._data)
        spec = for_pictures(self._model, self.spec) if isinstance(came.data, str) else self.spec
        names = asking_names(self._model, self.spec.depths[0])
        return as_model_takes(self._model, as_dataset(came, spec, self._sample_weight, names))

    @property
    def _has_no_model(self) -> bool:
        return isinstance(self._model, str) and self._model == DEFAULT_MODEL


def _with_default_model(dataset: Dataset) -> Dataset:
    """The data with a note on what trains on them, which is said at once, too."""
    from normwise.models.default_model import default_note

    note = default_note(dataset)
    log.warning("%s", note)
    return replace(dataset, notes=(note, *dataset.notes))


@contextlib.contextmanager
def _enough_memory_to_begin() -> Iterator[None]:
    """Say so where the model does not fit, or what is made of the data.

    Raises:
        ModelError: Memory did not suffice in this block.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError(
            f"memory did not suffice for the model and its data ({in_words(error)}); expected "
            f"that one run fits; try fewer examples, a smaller model or a machine with more memory"
        ) from None


def _check_budget(budget: float | None, spec: Spec) -> None:
    if budget is not None and not budget > 0:
        raise SpecError(
            f"budget is {budget}; expected seconds above 0; try budget=600, or leave it out"
        )
    if budget is not None and not spec.until_decided:
        raise SpecError(
            f"a budget of {budget:g} s was given without until_decided, and one round of seeds "
            f"cannot be shortened; expected both, or neither; add --until-decided"
        )


def _as_typed(value: Any) -> Any:
    """A path as text; all else as it is."""
    return str(value) if isinstance(value, Path) else value


def _name_of(model: Any) -> str:
    name = str(getattr(model, "name", None) or getattr(model, "__name__", type(model).__name__))
    # Keras numbers the models of a process; the same cell of a notebook, run again, is this study.
    return re.sub(r"_\d+$", "", name)
