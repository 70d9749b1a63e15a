"""The options of `normwise study`, made from the fields of :class:`~normwise.spec.Spec`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from normwise.errors import SpecError
from normwise.spec import About, Spec

__all__ = ["with_options_of"]

# Begins the parameter of the option that turns a switch off.
_NOT = "no_"


def with_options_of(spec: type[Spec]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator of a command: its ``**settings`` become an option for each setting.

    Args:
        spec: Each of its fields is an option, but for those that say they stand in a file only.

    Returns:
        A decorator that puts the options behind the first parameter, where Typer looks for them.
    """
    abouts = spec.abouts()
    options = [
        option
        for name, field in spec.model_fields.items()
        if not abouts[name].in_file_only
        for option in _options(name, field, abouts[name])
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        first, *others = (
            one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD
        )

        @functools.wraps(command)
        def called(**typed: Any) -> None:
            command(**_settled(typed))

        called.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[first, *options, *others]
        )
        return called

    return decorate


def _options(name: str, field: FieldInfo, about: About) -> list[inspect.Parameter]:
    """A setting as Typer takes it; ``None`` where it is not typed, so that a file's counts.

    A switch that is not off by default has two: a row of the help has no room for two long names.
    """
    kind, option = _typed(field.annotation), about.option_of(name)
    found = [_option(name, option, kind, _with_default(about.help, field.default), about)]
    if kind is bool and field.default is not False:
        opposite, text = f"--no-{option.removeprefix('--')}", f"The opposite of {option}."
        found.append(_option(f"{_NOT}{name}", opposite, kind, text, about))
    return found


def _option(name: str, option: str, kind: Any, text: str, about: About) -> inspect.Parameter:
    typed = typer.Option(option, help=text, rich_help_panel=about.panel, show_default=False)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, typed],
    )


def _settled(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, each switch under its own name.

    Raises:
        SpecError: Both of a switch's options were.

    >>> _settled({"seeds": 3, "no_folded": True, "folded": None})
    {'seeds': 3, 'folded': False}
    """
    found = {name: value for name, value in typed.items() if not name.startswith(_NOT)}
    for opposite in typed.keys() - found.keys():
        name = opposite.removeprefix(_NOT)
        if typed[opposite] and found[name]:
            option = name.replace("_", "-")
            raise SpecError(
                f"--{option} and --no-{option} were both given; expected one of them at most; "
                f"leave one out"
            )
        if typed[opposite]:
            found[name] = False
    return found


def _with_default(text: str, default: Any) -> str:
    """What a setting says of itself, and its default where it does not say that.

    >>> _with_default("Examples in a batch.", (32,)), _with_default("Say more.", False)
    ('Examples in a batch. Default: 32.', 'Say more.')
    """
    if (
        "Default: " in text
        or not isinstance(default, int | float | str | tuple)
        or default is False
    ):
        return text
    values = default if isinstance(default, tuple) else (default,)
    return f"{text} Default: {', '.join(map(str, values))}."


def _typed(kind: Any) -> Any:
    """What is typed on the command line for a value of this kind; the spec says the rest.

    >>> _typed(tuple[float, ...] | None), _typed(Annotated[int, "above 0"])
    (list[str], <class 'int'>)
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _typed(parts[0])
    if type(None) in parts:
        [kind] = (part for part in parts if part is not type(None))
        return _typed(kind)
    if origin is tuple:
        return list[str]
    return str if origin is Literal else kind
