"""Results in the shapes of other programs, as they write them, for tests that change one thing."""

import csv
import io
from collections.abc import Sequence
from typing import Any


def _names(text: str) -> list[str]:
    return text.split(",")


COLUMNS_19 = _names(
    "model_name,model_class,task,reasoning_state,total_prompts,successful_prompts,"
    "failed_prompts,total_duration_seconds,avg_latency_seconds,total_tokens,"
    "total_prompt_tokens,total_completion_tokens,throughput_tokens_per_second,"
    "gpu_energy_wh,co2_emissions_g,tokens_per_joule,avg_energy_per_prompt_wh,timestamp,"
    "error_message"
)
COLUMNS_21 = _names(
    "model_name,model_class,task,reasoning_state,total_prompts,successful_prompts,"
    "failed_prompts,total_duration_seconds,avg_total_time,avg_time_to_first_token,"
    "total_tokens,total_prompt_tokens,total_completion_tokens,"
    "throughput_tokens_per_second,gpu_energy_wh,wh_per_1000_queries,co2_emissions_g,"
    "tokens_per_joule,avg_energy_per_prompt_wh,timestamp,error_message"
)
EMISSIONS_COLUMNS = _names(
    "timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,"
    "cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,ram_energy,energy_consumed,"
    "country_name,country_iso_code,region,cloud_provider,cloud_region,os,"
    "python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,"
    "longitude,latitude,ram_total_size,tracking_mode,on_cloud,pue"
)
NOW = "2025-10-20T11:12:13.141516"


def table(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """With quotes where they are needed, as Python's csv module writes."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def master_row(**changes: Any) -> dict[str, Any]:
    """A finished run; it has the cells of all ages of the table."""
    row = {
        "model_name": "openai/gpt-oss-20b",
        "model_class": "B",
        "task": "text_gen",
        "reasoning_state": "On (High)",
        "total_prompts": 10,
        "successful_prompts": 8,
        "failed_prompts": 2,
        "total_duration_seconds": "90.50",
        "avg_latency_seconds": "9.0500",
        "avg_total_time": "9.0500",
        "avg_time_to_first_token": "0.1500",
        "total_tokens": 1500,
        "total_prompt_tokens": 500,
        "total_completion_tokens": 1000,
        "throughput_tokens_per_second": "16.57",
        "gpu_energy_wh": "8.4000",
        "wh_per_1000_queries": "1050.0000",
        "co2_emissions_g": "3.3000",
        "tokens_per_joule": "0.0496",
        "avg_energy_per_prompt_wh": "1.0500",
        "timestamp": NOW,
        "error_message": "",
    }
    assert changes.keys() <= row.keys()
    return row | changes


def failed_row(message: str, **changes: Any) -> dict[str, Any]:
    """As the predecessor writes one: zeros, and why."""
    zeros = {
        name: 0 if name.startswith(("total_t", "total_p", "total_c", "succ", "fail")) else "0.0000"
        for name in COLUMNS_21[4:-2]
    }
    zeros |= {"avg_latency_seconds": "0.0000"}
    return master_row(**(zeros | {"error_message": message} | changes))


def energy_report(**changes: Any) -> dict[str, Any]:
    """A report of ai_energy_benchmarks; a change names its section and its field: energy__error."""
    report: dict[str, Any] = {
        "config": {
            "name": "ai_energy_benchmark",
            "backend": "pytorch",
            "model": "openai/gpt-oss-20b",
            "dataset": "scottcha/reasoning_text_generation",
            "num_samples": 10,
        },
        "summary": {
            "total_prompts": 10,
            "successful_prompts": 8,
            "failed_prompts": 2,
            "total_duration_seconds": 90.50123,
            "avg_latency_seconds": 9.05,
            "avg_time_to_first_token": 0.15,
            "total_tokens": 1500,
            "total_prompt_tokens": 500,
            "total_completion_tokens": 1000,
            "throughput_tokens_per_second": 16.574,
        },
        "energy": {
            "emissions_kg_co2eq": 0.0033,
            "emissions_g_co2eq": 3.3,
            "energy_kwh": 0.00840001,
            "gpu_energy_kwh": 0.00840001,
            "gpu_energy_wh": 8.40001,
            "cpu_energy_wh": 1.25,
            "ram_energy_wh": 0.5,
            "total_energy_wh": 10.15001,
            "duration_seconds": 91.0,
            "carbon_intensity_g_per_kwh": 3.6e-5,
        },
        "gpu_stats": {},
        "backend_info": {"backend": "pytorch", "device": "cuda"},
        "metrics_metadata": {"name": "codecarbon", "version": "3.0.7"},
    }
    for name, value in changes.items():
        section, _, field = name.partition("__")
        report[section] = report[section] | {field: value} if field else value
    return report


def emissions_row(**changes: Any) -> dict[str, Any]:
    row = {
        "timestamp": NOW[:19],
        "project_name": "ai_energy_benchmark",
        "run_id": "5ff0e93a-f242-4f98-8f7a-c790b974daf2",
        "duration": 91.0,
        "emissions": 0.0033,
        "emissions_rate": 3.6e-5,
        "cpu_energy": 0.00125,
        "gpu_energy": 0.0084,
        "ram_energy": 0.0005,
        "energy_consumed": 0.01015,
        "country_iso_code": "USA",
        "codecarbon_version": "3.0.7",
        "gpu_count": 1.0,
        "gpu_model": "1 x NVIDIA H100 80GB HBM3",
        "tracking_mode": "machine",
    }
    assert changes.keys() <= {*EMISSIONS_COLUMNS}
    return row | changes
