"""The words of specs, reports and flags. Loads nothing, so that flags can offer them.

The contract gives on those it uses; who has loaded it anyway takes them from there.
"""

from typing import Literal

TaskName = Literal[
    "text_generation",
    "summarization",
    "question_answering",
    "text_classification",
    "sentence_similarity",
    "image_classification",
    "object_detection",
    "automatic_speech_recognition",
    "image_generation",
    "image_captioning",
]
ModelClass = Literal["A", "B", "C"]
BackendName = Literal["pytorch", "vllm", "optimum", "simulated"]
MeterName = Literal["nvml", "dcgm", "codecarbon", "simulated"]
DeviceKind = Literal["cuda", "cpu", "simulated"]
Effort = Literal["low", "medium", "high"]
Precision = Literal["float16", "float32", "auto"]
Kind = Literal["generate", "forward", "call"]
PassName = Literal["preprocess", "prefill", "generate", "forward", "call"]
PhaseName = Literal["preprocess", "prefill", "decode", "forward", "call"]
SourceKind = Literal["measured", "estimated", "simulated"]
FinishReason = Literal["length", "stop", "error"]
PromptForm = Literal["chat", "raw"]
FaultKind = Literal[
    "out_of_memory",
    "crash",
    "hang",
    "truncated_report",
    "wrong_settings",
    "meter_failure",
    "gpu_lost",
    "hub_unreachable",
]
EngineName = Literal["docker", "process", "slurm"]
