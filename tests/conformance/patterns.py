"""What a conversation's lines say of values: literals, variables and a few wildcards.

In what is sent, `$name` stands for a variable; one that is not bound yet gets a new value if its
name begins with `uuid` or `word`. `=x*9` stands for xxxxxxxxx.

In what is expected, objects may have more fields than are named, `null` is a field that is left
out, lists are whole, and text may be

    $name    binds the variable, or equals it       >=$name  does not come before it
    !$name   differs from it                        *        anything but nothing
    ~regex   text that fits                         $a/$b    text with variables in it
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"\$([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)")
REPEAT = re.compile(r"=(.)\*(\d+)")

Bound = dict[str, Any]


class Mismatch(AssertionError):
    """A value does not fit its pattern; the text says where."""


def fill(value: Any, bound: Bound) -> Any:
    """A value to send: variables replaced, new ones bound."""
    match value:
        case str():
            return _fill_text(value, bound)
        case list():
            return [fill(each, bound) for each in value]
        case dict():
            return {_fill_text(key, bound): fill(each, bound) for key, each in value.items()}
    return value


def _fill_text(text: str, bound: Bound) -> Any:
    whole, repeated = NAME.fullmatch(text), REPEAT.fullmatch(text)
    if repeated:
        return repeated[1] * int(repeated[2])
    if whole:
        return _value(whole[1], bound)
    return NAME.sub(lambda found: str(_value(found[1], bound)), text)


def _value(name: str, bound: Bound) -> Any:
    if name not in bound:
        if name.startswith("uuid"):
            bound[name] = str(uuid.uuid4())
        elif name.startswith("word"):
            bound[name] = f"{name.partition('_')[2]}{uuid.uuid4().hex[:12]}"
        else:
            raise Mismatch(f"${name} is used before it is bound")
    return bound[name]


def fits(pattern: Any, value: Any, bound: Bound) -> bool:
    """Whether the value fits; only then its variables are bound."""
    try:
        expect(pattern, value, bound)
    except Mismatch:
        return False
    return True


def expect(pattern: Any, value: Any, bound: Bound) -> None:
    """Bind the pattern's variables. Raises Mismatch, with nothing bound."""
    trial = dict(bound)
    _check(pattern, value, trial, "")
    bound.update(trial)


def _check(pattern: Any, value: Any, bound: Bound, where: str) -> None:
    match pattern:
        case None:
            _hold(value is None, where, "nothing", value)
        case dict():
            _hold(isinstance(value, Mapping), where, "an object", value)
            for key, inner in pattern.items():
                name = str(fill(key, bound))
                _check(inner, value.get(name), bound, f"{where}.{name}")
        case list():
            fitting = isinstance(value, list) and len(value) == len(pattern)
            _hold(fitting, where, f"{len(pattern)} values", value)
            for index, inner in enumerate(pattern):
                _check(inner, value[index], bound, f"{where}[{index}]")
        case str():
            _check_text(pattern, value, bound, where)
        case _:
            same = type(pattern) is type(value) or not isinstance(pattern, bool)
            _hold(same and pattern == value, where, repr(pattern), value)


def _check_text(pattern: str, value: Any, bound: Bound, where: str) -> None:
    whole = NAME.fullmatch(pattern)
    if pattern == "*":
        _hold(value is not None, where, "anything", value)
    elif whole:
        _hold(value is not None, where, pattern, value)
        if whole[1] in bound:
            _hold(value == bound[whole[1]], where, f"{pattern} = {bound[whole[1]]!r}", value)
        else:
            bound[whole[1]] = value
    elif pattern.startswith("~"):
        fitting = isinstance(value, str) and re.fullmatch(pattern[1:], value) is not None
        _hold(fitting, where, pattern, value)
    elif pattern.startswith("!$"):
        other = fill(pattern[1:], bound)
        _hold(value is not None and value != other, where, f"not {other!r}", value)
    elif pattern.startswith(">=$"):
        least = fill(pattern[2:], bound)
        _hold(type(value) is type(least) and value >= least, where, f">= {least!r}", value)
    else:
        _hold(value == fill(pattern, bound), where, repr(fill(pattern, bound)), value)


def _hold(holds: bool, where: str, wanted: str, value: Any) -> None:
    if not holds:
        raise Mismatch(f"{where or 'it'} should be {wanted}, and is {str(value)[:300]!r}")
