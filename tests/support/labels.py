"""Labels to draw in tests, and the pictures that they are to look like.

`python -m tests.support.labels` makes those pictures again; look at every one before it is kept.
"""

from pathlib import Path

from scoring.label.drawing import draw
from scoring.label.facts import LabelFacts
from scoring.label.picture import draw_picture
from scoring.label.spare_fonts import Spares

GOLDEN = Path(__file__).parents[1] / "scoring" / "golden"
EDGES = ("1.3", "2.6", "3.9", "5.2")
USUAL = {
    "run_id": "",
    "state": "",
    "task": "text_gen",
    "model_class": "A",
    "reasoning": False,
    "rehearsal": False,
    "wh_per_1000_queries": "2.371",
    "stars": 4,
    "lowest_wh": "1.313333",
    "highest_wh": "7.5",
    "edges_wh": EDGES,
    "note": "",
    "scored": "2025-02",
    "gpu_name": "NVIDIA H100 80GB HBM3",
    "gpu_count": "1",
    "spec_hash": "",
    "edition": "2025-02",
    "basis_sha256": "0" * 64,
}
NAMES = {
    "short": {"model": "openai/gpt2"},
    "80_characters": {
        "model": "a-rather-long-organisation-name/Some-Model-With-A-Very-Long-Name-70B-Instruct-v2",
        **{"state": "On (High)", "reasoning": True, "model_class": "C", "gpu_count": "8"},
    },
    "cjk": {
        "model": "阿里巴巴云智能研究院/通义千问大规模语言模型-72B-指令微调版本",
        **{"note": "only model of its group", "stars": 5},
    },
    "markup": {
        "model": "<b>org</b>/m\"&'<script>alert(1)</script>",
        **{"task": "asr", "model_class": "", "edition": "", "scored": "", "gpu_name": ""},
        "wh_per_1000_queries": "0.00012345",
    },
    "rehearsal": {
        "model": "meta-llama/Llama-3.3-70B-Instruct",
        **{"rehearsal": True, "gpu_name": "SIMULATED GPU 0", "state": "Off", "stars": 1},
    },
}


def facts(**changes: object) -> LabelFacts:
    return LabelFacts.model_validate({"model": "org/model"} | USUAL | changes)


def picture(name: str) -> bytes:
    """With the bundled fonts alone, so that every machine draws the same."""
    return draw_picture(draw(facts(**NAMES[name])), 1, Spares())


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for one in NAMES:
        (GOLDEN / f"{one}.png").write_bytes(picture(one))
