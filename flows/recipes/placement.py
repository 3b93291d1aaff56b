"""Where and how fast the work of a recipe runs, when, and how long the store keeps its results."""

from zoneinfo import available_timezones

from pydantic import Field, field_validator

from tasks.inference.engine import EnginePlacement, ModelName
from tasks.spec import Placement
from tasks.train.spec import TrainPlacement


class Nightly(Placement):
    """The schedule of the deployments of a recipe."""

    active: bool = True
    """Run on the schedule. If false, the deployment runs only when somebody starts it."""
    corpus: str = Field("0 1 * * *", pattern=r"^\S+( \S+){4}$")
    """When the corpus is built, as cron fields: minute, hour, day, month, weekday."""
    factory: str = Field("0 3 * * *", pattern=r"^\S+( \S+){4}$")
    """When the whole factory runs, as cron fields. It reuses the tables of the corpus build."""
    timezone: str = "UTC"
    """Time zone of the schedule, for example Europe/Berlin."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}; the form is Europe/Berlin")
        return name


class Keep(Placement):
    """How long the store keeps the results of a recipe."""

    builds: int = Field(14, ge=1)
    """Number of latest builds whose tables are kept, with all tables they were made from. A
    published student is always kept.
    """
    days: float = Field(14, ge=0)
    """Days without use after which a table is removed, if no kept build was made from it. The same
    applies to answers of a teacher that no kept table has.
    """


class Placements(Placement):
    """Where and how fast the work runs; it does not change the rows."""

    models: dict[ModelName, EnginePlacement] = Field(default={})
    """Engines of the recipe's models, by name; other models have the defaults."""
    train: TrainPlacement = TrainPlacement()
    """Memory and batches of the training."""
    probe: EnginePlacement = EnginePlacement()
    """Engines of base model and student during the probe."""
    nightly: Nightly = Nightly()
    """Schedule of a deployment."""
    keep: Keep = Keep()
    """How long the store keeps results."""
