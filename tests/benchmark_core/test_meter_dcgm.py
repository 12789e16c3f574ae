"""The meter on a real server on loopback that shows known joules as dcgm-exporter does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmark_core.faults import MeterFault
from benchmark_core.meters import dcgm, dcgm_exporter, registry, scraped_counter
from benchmark_core.meters.dcgm import DcgmMeter
from benchmark_core.meters.edge_rules import Edge
from benchmark_core.report.energy import Reading
from benchmark_core.report.gpu_facts import GpuFacts
from tests.support.dcgm_server import Exporter, Gpu, serving, uuid

pytestmark = pytest.mark.wall_clock

IDLE_WATTS, BUSY_WATTS = 100.0, 600.0
# Far below what a meter that reads once at each end of these windows is wrong by.
MOST_DOUBT_JOULES = 120.0


def no_work() -> None:
    """Nothing is queued."""


@contextmanager
def started(exporter: Exporter, *uuids: str) -> Iterator[DcgmMeter]:
    meter = DcgmMeter(exporter.url, uuids or (uuid(0),), no_work)
    try:
        meter.start()
        yield meter
    finally:
        meter.stop()
        meter.stop()


def measure(meter: DcgmMeter, gpu: Gpu, seconds: float, busy: float) -> tuple[Reading, float]:
    """A window in which `gpu` draws `busy`: the reading, and the true joules."""
    meter.approach()
    meter.open("generate 1")
    opened = gpu.draw(busy)
    time.sleep(seconds)
    closed = gpu.draw(IDLE_WATTS)
    meter.close()
    return meter.read(), gpu.joules_between(opened, closed)


def assert_within_doubt(reading: Reading, joules: float) -> None:
    assert reading.gpu_joules is not None
    assert reading.gpu_doubt_joules is not None
    assert abs(reading.gpu_joules - joules) <= reading.gpu_doubt_joules
    assert 0 < reading.gpu_doubt_joules < MOST_DOUBT_JOULES


@pytest.mark.parametrize("busy", [IDLE_WATTS, BUSY_WATTS])
@pytest.mark.parametrize(("interval", "age"), [(0.1, 0.0), (0.1, 0.1), (0.3, 0.15), (0.3, 0.3)])
def test_a_window_is_exact_within_its_doubt(interval: float, age: float, busy: float) -> None:
    """However old the values are when they are shown, as long as it is less than an interval."""
    gpu = Gpu(0, IDLE_WATTS)
    with serving(gpu, interval=interval, age=age) as exporter, started(exporter) as meter:
        assert_within_doubt(*measure(meter, gpu, 0.47, busy))


def test_long_intervals_use_the_power_reading_for_a_third_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scraped_counter, "LONGEST_INTERVAL_FOR_STEPS_SECONDS", 0.1)
    gpu = Gpu(0, IDLE_WATTS)
    with serving(gpu, interval=0.2, age=0.2) as exporter, started(exporter) as meter:
        assert_within_doubt(*measure(meter, gpu, 0.43, BUSY_WATTS))
        gpu.power_text = str(IDLE_WATTS / 2)
        halved, joules = measure(meter, gpu, 0.43, BUSY_WATTS)
        gpu.power_text = "NaN"
        assert_within_doubt(*measure(meter, gpu, 0.43, BUSY_WATTS))
    assert halved.gpu_joules is not None
    assert halved.gpu_joules > joules


def test_exactly_the_gpus_of_the_run_count() -> None:
    gpus = [Gpu(0, 350), Gpu(1, 100), Gpu(2, 600)]
    with serving(*gpus) as exporter, started(exporter, uuid(2), uuid(1)) as meter:
        meter.approach()
        meter.open("window")
        opened = time.monotonic()
        time.sleep(0.5)
        closed = time.monotonic()
        meter.close()
        reading = meter.read()
        assert [facts.uuid for facts in meter.gpus()] == [uuid(2), uuid(1)]
    by_device = reading.gpu_joules_by_device
    assert by_device is not None
    assert set(by_device) == {uuid(1), uuid(2)}
    assert reading.gpu_joules == pytest.approx(sum(by_device.values()))
    assert by_device[uuid(2)] == pytest.approx(6 * by_device[uuid(1)], rel=0.2)
    true = sum(gpu.joules_between(opened, closed) for gpu in gpus[1:])
    assert_within_doubt(reading, true)


def test_the_total_spans_from_the_first_open_to_the_last_close() -> None:
    gpu = Gpu(0, IDLE_WATTS)
    with serving(gpu) as exporter, started(exporter) as meter:
        assert meter.total() == Reading()
        meter.approach()
        meter.open("load")
        opened = gpu.draw(BUSY_WATTS)
        time.sleep(0.3)
        gpu.draw(IDLE_WATTS)
        meter.close()
        first = meter.read()
        time.sleep(0.2)
        second, _ = measure(meter, gpu, 0.3, BUSY_WATTS)
        closed = gpu._since[-1][0]
        total = meter.total()
    assert_within_doubt(total, gpu.joules_between(opened, closed))
    assert total.gpu_joules is not None
    assert first.gpu_joules is not None
    assert second.gpu_joules is not None
    assert total.gpu_joules > first.gpu_joules + second.gpu_joules


def test_a_window_without_energy_is_not_measured() -> None:
    gpu = Gpu(0, IDLE_WATTS)
    with serving(gpu) as exporter, started(exporter) as meter:
        meter.approach()
        meter.open("window")
        meter.close()
        meter._opened, late = None, meter._opened
        assert late is not None
        early = Edge(late.courses, late.at_seconds - 5)
        assert dcgm.energy_between(late, early, 0.1) == Reading()


def go_back(exporter: Exporter) -> None:
    exporter.gpus[0].offset_joules = 0.0


def vanish(exporter: Exporter) -> None:
    exporter.gpus[0].shown = False


def show(text: str) -> Callable[[Exporter], None]:
    def change(exporter: Exporter) -> None:
        exporter.gpus[0].energy_text = text

    return change


def freeze(exporter: Exporter) -> None:
    exporter.frozen_at = time.monotonic()


def fall_silent(exporter: Exporter) -> None:
    exporter.answer = (503, {}, b"")


def talk_nonsense(exporter: Exporter) -> None:
    exporter.answer = (200, {}, b'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{UUID="GPU-1 5\n')


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        (go_back, "counter_reset", "went backwards"),
        (vanish, "gpu_lost", "no longer"),
        (show("NaN"), "counter_without_value", "no value"),
        (show("+Inf"), "counter_without_value", "no value"),
        (show("-1"), "counter_without_value", "no value"),
        (show("9223372036854775794"), "counter_without_value", "no value"),
        (show("1" + "0" * 400), "counter_without_value", "no value"),
        (show(""), "counter_without_value", "no value"),
        (freeze, "counter_stuck", "the same energy"),
        (fall_silent, "meter_unreachable", "503"),
        (talk_nonsense, "counter_without_value", "cannot be read"),
    ],
)
def test_what_goes_wrong_on_the_way_is_a_fault_and_never_a_number(
    change: Callable[[Exporter], None], reason: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dcgm, "PATIENCE_SECONDS", 0.3)
    with serving(Gpu(0, IDLE_WATTS), interval=0.05) as exporter, started(exporter) as meter:
        change(exporter)
        with pytest.raises(MeterFault, match=said) as caught:
            meter.approach()
    assert caught.value.reason == reason
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("change", "reason"),
    [(go_back, "counter_reset"), (vanish, "gpu_lost"), (show("NaN"), "counter_without_value")],
)
def test_what_goes_wrong_in_a_window_is_found_when_it_is_read(
    change: Callable[[Exporter], None], reason: str
) -> None:
    with serving(Gpu(0, IDLE_WATTS)) as exporter, started(exporter) as meter:
        meter.approach()
        meter.open("window")
        change(exporter)
        meter.close()
        with pytest.raises(MeterFault) as caught:
            meter.read()
        assert meter.total() == Reading()
    assert caught.value.reason == reason


def test_an_exporter_that_is_gone_for_a_moment_is_waited_for() -> None:
    gpu = Gpu(0, IDLE_WATTS)
    with serving(gpu) as exporter, started(exporter) as meter:
        meter.approach()
        meter.open("window")
        opened = time.monotonic()
        time.sleep(0.5)
        closed = time.monotonic()
        meter.close()
        exporter.failures_to_come = 2
        reading = meter.read()
        assert exporter.failures_to_come == 0
    assert_within_doubt(reading, gpu.joules_between(opened, closed))


def test_a_lost_answer_at_the_start_is_told_at_once() -> None:
    with serving(Gpu(0, IDLE_WATTS), failures_to_come=1) as exporter:
        with pytest.raises(MeterFault, match="500") as caught, started(exporter):
            pass
        assert exporter.failures_to_come == 0
    assert caught.value.reason == "meter_unreachable"


def test_gpus_that_cannot_be_metered_are_refused_at_the_start() -> None:
    shared = Gpu(1, 100)
    shared.extra_labels = 'GPU_I_PROFILE="1g.10gb",GPU_I_ID="4",'
    mute = Gpu(2, 100)
    mute.energy_text = ""
    with serving(Gpu(0, 350), shared, mute) as exporter:
        for uuids, said in (
            ((uuid(7),), uuid(0)),
            ((uuid(1),), "MIG mode"),
            ((uuid(0), uuid(2)), "no value"),
            ((uuid(0), uuid(0)), "each GPU once"),
        ):
            with pytest.raises(MeterFault, match=said) as caught, started(exporter, *uuids):
                pass
            assert caught.value.remedy


def test_an_interval_that_is_too_long_is_refused_with_the_flag_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dcgm, "LONGEST_INTERVAL_SECONDS", 0.3)
    with (
        serving(Gpu(0, IDLE_WATTS), interval=2.0) as exporter,
        pytest.raises(MeterFault, match="the same energy") as caught,
        started(exporter),
    ):
        pass
    assert "-c 100" in caught.value.remedy


def test_the_order_of_calls_is_kept() -> None:
    with serving(Gpu(0, IDLE_WATTS)) as exporter, started(exporter) as meter:
        for call in (lambda: meter.open("window"), meter.close, meter.read):
            with pytest.raises(MeterFault, match=r"never|without"):
                call()


def test_sources_and_gpus_are_told_from_the_labels() -> None:
    with serving(Gpu(0, IDLE_WATTS)) as exporter, started(exporter) as meter:
        source = meter.sources().gpu
        assert source is not None
        assert (source.meter, source.kind) == ("dcgm", "measured")
        assert "DCGM exporter" in source.method
        assert "127.0.0.1" not in source.method
        assert meter.gpus() == (
            GpuFacts(uuid=uuid(0), name="NVIDIA H100 80GB HBM3", driver_version="570.86.15"),
        )
    with serving(Gpu(0, IDLE_WATTS, name="SIMULATED H100")) as exporter, started(exporter) as meter:
        source = meter.sources().gpu
        assert source is not None
        assert source.kind == "simulated"


def test_the_registry_makes_it_and_synchronises_at_each_edge(tmp_path: Path) -> None:
    calls: list[str] = []
    with serving(Gpu(0, IDLE_WATTS)) as exporter:
        meter = registry.create(
            "dcgm",
            registry.MeterContext(
                gpu_uuids=(uuid(0),),
                gpu_count=1,
                output_dir=tmp_path,
                trace_path=tmp_path / "power_trace.csv",
                region="WORLD",
                dcgm_endpoint=exporter.url,
                simulation=None,
                synchronise=lambda: calls.append("synchronised"),
            ),
        )
        meter.start()
        meter.approach()
        meter.open("window")
        meter.close()
        meter.stop()
    assert meter.name == "dcgm"
    assert len(calls) == 3


def test_without_an_address_it_cannot_be_made() -> None:
    with pytest.raises(MeterFault, match="address"):
        DcgmMeter(None, (uuid(0),), no_work)


# ---------------------------------------------------------------------------- the exporter


def test_a_page_holds_values_exactly_and_a_gpu_once_for_all_its_pods() -> None:
    gpu = Gpu(0, 61.25)
    gpu.energy_text = str(2**60 + 1)
    pod = Gpu(0, 61.25)
    pod.energy_text = gpu.energy_text
    pod.extra_labels = 'pod="a{b},c",'
    with serving(gpu, pod) as exporter:
        client = dcgm_exporter.DcgmExporter(exporter.url)
        scrape = client.scrape()
        client.close()
    (shown,) = scrape.gpus.values()
    assert (shown.millijoules, shown.watts) == (2**60 + 1, 61.25)
    assert scrape.asked_at <= scrape.answered_at


def test_what_an_exporter_says_of_gpus_is_cut_to_what_a_reader_can_use() -> None:
    gpus = [Gpu(number, 100, name="N" * 5000) for number in range(20)]
    for gpu in gpus:
        gpu.extra_labels = f'DCGM_FI_DRIVER_VERSION="{"5" * 5000}",'
    text = "\n".join(line for gpu in gpus for line in gpu.lines(0.0))
    shown = dcgm_exporter._parse(text.replace(',DCGM_FI_DRIVER_VERSION="570.86.15"', ""))
    assert {gpu.name for gpu in shown.values()} == {"N" * 100}
    assert {gpu.driver_version for gpu in shown.values()} == {"5" * 100}
    (fault,) = dcgm_exporter.obstacles([uuid(77)], shown)
    assert [uuid(number) in fault.message for number in range(20)] == [True] * 16 + [False] * 4
    assert fault.message.endswith(" and 4 more")
    assert len(fault.message) < 3000


def test_one_connection_serves_all_questions() -> None:
    with serving(Gpu(0, 100)) as exporter:
        client = dcgm_exporter.DcgmExporter(exporter.url)
        for _ in range(3):
            assert set(client.scrape().gpus) == {uuid(0)}
        client.close()
        assert exporter.connections == 1


def test_connections_that_the_server_closes_are_opened_again() -> None:
    with serving(Gpu(0, 100), drops_connections=True) as exporter:
        client = dcgm_exporter.DcgmExporter(exporter.url)
        for _ in range(3):
            assert set(client.scrape().gpus) == {uuid(0)}
        client.close()
        assert exporter.requests == ["/metrics"] * 3


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(Gpu(0, 100)) as exporter:
        client = dcgm_exporter.DcgmExporter(exporter.url)
        assert set(client.scrape().gpus) == {uuid(0)}
        client.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, {}, b"not here"), "404"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "points elsewhere"),
        ((200, {}, b"x" * (dcgm_exporter.LARGEST_BODY_BYTES + 1)), "more than"),
    ],
)
def test_answers_that_are_no_page_are_refused(
    answer: tuple[int, dict[str, str], bytes], said: str
) -> None:
    with serving(answer=answer) as exporter:
        with pytest.raises(MeterFault, match=said) as caught:
            dcgm_exporter.DcgmExporter(exporter.url).scrape()
        assert len(exporter.requests) == 1
    assert caught.value.reason == "meter_unreachable"


def test_nobody_there_is_told_with_the_place() -> None:
    with serving() as exporter:
        url = exporter.url
    with pytest.raises(MeterFault, match=r"127\.0\.0\.1:\d+/metrics") as caught:
        dcgm_exporter.DcgmExporter(url).scrape()
    assert caught.value.reason == "meter_unreachable"


def test_an_endpoint_needs_no_path() -> None:
    endpoint = dcgm_exporter.parse_endpoint("http://Gpu-Host:9400")
    assert endpoint == dcgm_exporter.Endpoint(False, "gpu-host", 9400, "/metrics")
    assert dcgm_exporter.parse_endpoint("https://h/a/b").path == "/a/b"
    assert dcgm_exporter.parse_endpoint("https://[::1]:9400/").loopback
    assert not endpoint.loopback


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gpu-host:9400",
        "ftp://host/metrics",
        "file:///etc/passwd",
        "http://",
        "http://host:port/metrics",
        "http://host:99999/metrics",
        "http://[::1/metrics",
        "http://user:hunter2@host/metrics",
        "http://hunter2@host/metrics",
        "http://host/metrics?token=hunter2",
        "http://host/metrics#hunter2",
        "http://host/me trics",
        "http://host/\r\nX: y",
        "http://" + "a" * 70 + "/metrics",
        "http://h\u00f6st/metrics",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(has|holds|does not begin) ") as caught:
        dcgm_exporter.parse_endpoint(url)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(MeterFault) as fault:
        dcgm_exporter.DcgmExporter(url)
    assert "hunter2" not in fault.value.message
