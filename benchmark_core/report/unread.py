"""Parts of a report that are counted and not looked into."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetPydanticSchema


class _Nothing(BaseModel):
    """An object none of whose fields is looked at, nor kept."""

    model_config = ConfigDict(extra="ignore")


Unread = Annotated[Any, GetPydanticSchema(lambda _, handler: handler.generate_schema(_Nothing))]
"""Counted, and no more: making objects of its content is most of the time of reading a report."""
