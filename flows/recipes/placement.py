"""Where and how fast the work of a recipe runs, when, and how long the store keeps its results."""

from zoneinfo import available_timezones

from pydantic import Field, field_validator

from tasks.inference.engine import EnginePlacement, ModelName
from tasks.spec import Placement
from tasks.train.lora import TrainPlacement


class Nightly(Placement):
    """When the recipe is made anew by itself, once it is deployed."""

    active: bool = True
    """Run on the schedule. If false, the deployment runs only when somebody starts it."""
    corpus: str = Field("0 1 * * *", pattern=r"^\S+( \S+){4}$")
    """When the corpus is built: minute, hour, day, month, weekday."""
    factory: str = Field("0 3 * * *", pattern=r"^\S+( \S+){4}$")
    """When the whole factory runs; it reuses what the corpus build has made by then."""
    timezone: str = "UTC"
    """Time zone of the schedule, for example Europe/Berlin."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}; the form is Europe/Berlin")
        return name


class Keep(Placement):
    """What the store remembers of a recipe."""

    builds: int = Field(14, ge=1)
    """Number of latest builds whose tables are kept, with everything they were made of. A promoted
    student is always kept.
    """
    days: float = Field(14, ge=0)
    """Days without use after which a table is removed, if no kept build was made of it. The same
    holds for a teacher's answer that no kept table holds.
    """


class Placements(Placement):
    """Where and how fast the work runs; no row depends on it."""

    models: dict[ModelName, EnginePlacement] = Field(default={})
    """Engines of the recipe's models, by name; a model that is not named here has the defaults."""
    train: TrainPlacement = TrainPlacement()
    """Memory and speed of the training."""
    probe: EnginePlacement = EnginePlacement()
    """Engines of base model and student while they are probed."""
    nightly: Nightly = Nightly()
    """Schedule of a deployment."""
    keep: Keep = Keep()
    """How long what was made stays in the store."""
