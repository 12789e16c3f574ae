"""How a run ended, as far as whoever reads its bundle has to know."""

from typing import Literal

from pydantic import ConfigDict

from benchmark_core.documents import Document


class EndOfRun(Document):
    """What a bundle needs to know of `outcome.json`; the host alone knows the rest."""

    model_config = ConfigDict(extra="ignore")

    run_id: str
    spec_hash: str
    outcome: Literal["finished", "failed", "interrupted"]
    engine: str
    started_at: str | None = None
    finished_at: str
    image_digest: str | None = None
    log_file: str = ""
