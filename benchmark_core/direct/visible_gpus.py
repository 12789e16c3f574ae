"""The GPUs of a run that nobody planned: the first that is visible, or those that are named."""

from collections.abc import Mapping, Sequence

from benchmark_core.faults import MeterFault

MOST_GPUS = 1024
NO_GPU_REMEDY = (
    "Give the container GPUs (docker run --gpus all), or add backend.device=cpu to measure on the"
    " CPU."
)


def choose_gpus(
    named: Sequence[str] | None, environ: Mapping[str, str]
) -> tuple[tuple[str, ...], str]:
    """The UUIDs of the run's GPUs, and a sentence about the choice where there was one.

    Numbers count the GPUs that are visible, as CUDA_VISIBLE_DEVICES has them, else as nvidia-smi.

    Raises:
        MeterFault: there is no driver, no GPU, or not the one that is named.
    """
    visible = _visible(environ)
    if not visible:
        raise MeterFault("no GPU is visible", NO_GPU_REMEDY, "driver_error")
    if named is None:
        more = f"{len(visible)} GPUs are visible; the first is used, and no other is metered"
        return visible[:1], f"{more}. backend.device_ids names others." if visible[1:] else ""
    chosen = tuple(_found(name, visible) for name in named)
    if len(set(chosen)) < len(chosen):
        what = f"backend.device_ids names GPU {max(chosen, key=chosen.count)} twice"
        raise MeterFault(what, "Name each once.", "driver_error")
    return chosen, ""


def _visible(environ: Mapping[str, str]) -> tuple[str, ...]:
    from benchmark_core.meters import nvml_devices

    try:
        nvml_devices.load_driver()
    except MeterFault as fault:
        raise MeterFault(f"no GPU is visible: {fault.message}", NO_GPU_REMEDY) from fault
    try:
        with nvml_devices.driver_faults("the GPUs cannot be listed"):
            # A UUID says which one is meant, so CUDA's own order does not matter without the list.
            order = {} if nvml_devices.VISIBLE in environ else {nvml_devices.ORDER: "PCI_BUS_ID"}
            uuids = nvml_devices.visible_uuids({**environ, **order}, MOST_GPUS)
            for uuid in uuids[:1]:
                nvml_devices.find(uuid)
            return uuids
    finally:
        nvml_devices.release_driver()


def _found(name: str, visible: Sequence[str]) -> str:
    if name.isdigit():
        matching = list(visible[int(name) : int(name) + 1])
    else:
        matching = [uuid for uuid in visible if uuid.startswith(name)]
    if len(matching) != 1:
        known = ", ".join(f"{number} ({uuid})" for number, uuid in enumerate(visible))
        what = f"backend.device_ids: there is no visible GPU {name[:80]}"
        raise MeterFault(what, f"Visible are: {known[:400]}.", "driver_error")
    return matching[0]
