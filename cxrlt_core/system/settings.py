"""The bricks of params.yaml: a strict section, and numbers with a range."""

from typing import Annotated, Any

from pydantic import AllowInfNan, BaseModel, BeforeValidator, ConfigDict, Field, Strict


def _no_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("input should be a number")
    return value


#: Beyond any study: what is larger is a slip, and must not reach the machine.
MOST = 10**6
LARGEST = 1e9

# YAML 1.1 reads 2e-3 as a string; a Real accepts it.
Real = Annotated[float, Strict(False), AllowInfNan(False), BeforeValidator(_no_switch)]
Positive = Annotated[Real, Field(gt=0, le=LARGEST)]
NotNegative = Annotated[Real, Field(ge=0, le=LARGEST)]
Fraction = Annotated[Real, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=MOST)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]


def usual(value: Any) -> Any:
    """Say what a key usually holds. It is no default: the message about a missing key suggests it."""
    return Field(examples=[value])


class Section(BaseModel):
    """A part of params.yaml: frozen, strictly typed, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
