"""Defines the base of all config models: frozen, closed to unknown fields, documented by docstrings."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of all config models. Frozen; an unknown field, infinity or not-a-number is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
