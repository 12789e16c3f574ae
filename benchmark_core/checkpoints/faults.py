"""What the errors of loading a model mean: each becomes one fault with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmark_core.faults import HubFault, ModelFault, RunFault
from benchmark_core.hub import hub_trouble


@contextmanager
def told_as_model_faults(name: str, part: str) -> Iterator[None]:
    """Turns every error of the block into a fault that names the model and the `part` of it.

    Faults pass through, and so do out-of-memory errors: the backend knows the device.
    """
    try:
        yield
    except (RunFault, MemoryError):
        raise
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":
            raise
        raise model_fault(error, name, part) from error


def model_fault(error: Exception, name: str, part: str) -> RunFault:
    """A fault of the model, or of the hub where that may pass."""
    trouble = hub_trouble(error)
    if trouble is not None:
        kind = HubFault if trouble.passes else ModelFault
        return kind(f"model {name} {trouble.what}", trouble.remedy)
    text = " ".join(str(error).split())
    for marks, what, remedy in _MEANINGS:
        if any(mark in text or mark == type(error).__name__ for mark in marks):
            return ModelFault(f"model {name}: {part}: {what} ({_shortened(text)})", remedy)
    return ModelFault(
        f"model {name}: {part} cannot be loaded: {type(error).__name__}: {_shortened(text)}",
        "Check that the model loads with the pinned transformers version (requirements.txt).",
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else text[:297] + "..."


FETCH_AGAIN = "Delete the model from the cache and fetch it again, or name another revision."
LEAVE_OUT = (
    "Leave the row out, or choose a pipeline that is whole: the catalog has no way yet to name"
    " the missing parts."
)

# Marks are parts of the message or the name of the error's class.
_MEANINGS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("trust_remote_code", "contains custom code"),
        "it needs its own program code, which was not allowed",
        "Read that code; to run it, set Trust Remote Code for the row, or --trust-remote-code.",
    ),
    (
        ("does not recognize this architecture", "Unrecognized model in"),
        "its architecture is unknown to the installed transformers",
        "Use a version of the image whose transformers knows it.",
    ),
    (
        ("Unrecognized configuration class",),
        "it is no model for this task",
        "Correct the row's task, or choose a model made for it.",
    ),
    (
        (
            *("SafetensorError", "Error while deserializing", "UnpicklingError"),
            *("PytorchStreamReader", "Unable to load weights from checkpoint file"),
        ),
        "a weights file is damaged",
        "Delete the model from the cache and fetch it again.",
    ),
    (
        ("size mismatch", "ignore_mismatched_sizes"),
        "its weights do not have the shapes its config.json says",
        FETCH_AGAIN,
    ),
    (
        ("meta tensor",),
        "weights of it are in none of its files",
        FETCH_AGAIN,
    ),
    (
        ("were passed",),
        "it needs parts that its repository does not have",
        LEAVE_OUT,
    ),
    (
        ("no file named", "does not appear to have a file named", "does not appear to have files"),
        "a file is missing in the repository or in the cache",
        "Name a revision that has weights, config.json and tokenizer or processor; fetch it again"
        " if it has.",
    ),
    (
        ("not a valid JSON", "JSONDecodeError"),
        "a JSON file of it is damaged",
        "Delete the model from the cache and fetch it again.",
    ),
    (
        ("Can't load tokenizer", "Couldn't instantiate the backend tokenizer"),
        "the tokenizer is missing or damaged",
        "Name another model's tokenizer in the catalog's Processor column.",
    ),
    (
        ("Can't load image processor", "Can't load feature extractor", "Can't load processor"),
        "the processor is missing or damaged",
        "Correct the row's task, or name another model's in the catalog's Processor column.",
    ),
    (
        ("PermissionError",),
        "a file of it may not be read by the user of the run",
        "Make the cache readable for all: chmod -R a+rX, on the folder of HF_HUB_CACHE.",
    ),
    (
        ("ImportError", "ModuleNotFoundError", "PackageNotFoundError"),
        "it needs a package that is not installed",
        "Use an image that has the package the message names.",
    ),
)
