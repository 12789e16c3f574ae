"""Every reason for which a point of a bundle fails, with its meaning. Data."""

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "manifest_changed": "the manifest is not the one that was written",
        "member_changed": "a file is not the one that the manifest lists",
        "member_missing": "a file that the manifest lists is not in the bundle",
        "member_extra": "a file is in the bundle that the manifest does not list, or that no run"
        " has",
        "member_damaged": "a file cannot be unpacked",
        "terms_missing": "not all points of the terms were accepted, or another text of them",
        "signature_missing": "the signature is gone, or signers are asked for and nobody signed",
        "signature_wrong": "the signature is not one of this manifest by an allowed signer, or not"
        " written as `ssh-keygen` writes it",
        "document_invalid": "a document of the run is missing or is not what it has to be",
        "evidence_impossible": "figures cannot be computed from the evidence at all",
        "runs_mixed_up": "files of the run belong to another run, or to another spec",
        "settings_differ": "the run applied other settings than it was asked to",
        "samples_missing": "lines of samples are missing that the report counts",
        "samples_differ": "counts, tokens or times do not follow from the samples' lines",
        "reasoning_tokens_differ": "reasoning tokens, or samples cut in their reasoning, do not"
        " follow from the samples' lines",
        "sources_differ": "meters or GPUs are told otherwise than launch, readings and power trace"
        " have them",
        "trace_missing": "the GPU energy was measured by a meter that leaves a power trace, and"
        " there is none",
        "trace_windows_differ": "the power trace shows other windows than the report",
        "window_energy_differs": "the energy of a window, or of the run, does not follow from the"
        " power trace",
        "trace_facts_differ": "what the report says of the power trace does not follow from it",
        "host_energy_differs": "CPU or RAM energy of a window is not what CodeCarbon wrote",
        "delegated_differs": "a repetition does not follow from the files of the backend that"
        " measures by itself",
        "phases_differ": "the energies of phases do not follow from the windows",
        "ledger_differs": "the ledger is missing, or does not follow from its windows and its"
        " total",
        "summary_differs": "a figure of the summary does not follow from the repetitions",
        "idle_differs": "power at rest does not follow from its windows",
        "carbon_differs": "CO2 does not follow from the energy and the region's factor",
        "verdict_differs": "the verdict is not the one that the evidence gives",
        "official_differs": "deviations from the protocol are not those that the evidence gives",
        "rehearsal_differs": "whether it is a rehearsal is told otherwise than the evidence has it",
        "energy_files_differ": "a GPU_ENERGY file does not have the figures of the report",
        "row_missing": "the run has no row in the table of the bundle",
        "row_differs": "a cell of the row does not follow from the report, or is in no column of"
        " ours",
        "edition_invalid": "the edition of the bundle cannot be read, or was changed",
        "stars_differ": "the stars do not follow from the row and the edition",
    }
)
