"""What is to be reached (issue 8, "Shown by"), as ratios of medians."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.contestants import BARE, NAIVE, OURS

FULL = "gonogo, with history"

Slices = dict[tuple[str, str], list[float]]
"""The figures of all slices, by contestant and figure."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A figure of ours, divided by ``other``'s figure where there is one, is at most or at least so much."""

    figure: str
    other: str = ""
    other_figure: str = ""
    of: str = OURS
    most: float | None = None
    least: float | None = None
    words: str = ""

    @property
    def limit(self) -> str:
        """The target as people read it."""
        unit = " ×" if self.other else ""
        return f"≤ {self.most:g}{unit}" if self.most is not None else f"≥ {self.least:g}{unit}"

    def reached(self, medians: Mapping[tuple[str, str], float]) -> float | None:
        """The ratio, or the figure itself; None where it was not measured."""
        ours = medians.get((self.of, self.figure))
        if ours is None or not self.other:
            return ours
        theirs = medians.get((self.other, self.other_figure or self.figure))
        return None if not theirs else ours / theirs

    def is_met(self, reached: float) -> bool:
        """Whether that is enough."""
        return reached <= self.most if self.most is not None else reached >= (self.least or 0)


def flat(figure: str, *, least: float | None = None) -> Target:
    """With a history as without one."""
    most = 1.2 if least is None else None
    return Target(figure=figure, of=FULL, other=OURS, other_figure=f"empty_{figure}", most=most, least=least)


def saturated(open_at_once: int) -> tuple[Target, ...]:
    """With so many launches open."""
    return (
        Target(figure=f"loaded_ack_p99_ms_{open_at_once}", other=NAIVE, most=0.3),
        Target(figure=f"launches_per_s_{open_at_once}", other=NAIVE, least=4),
        Target(figure=f"cpu_ms_per_launch_{open_at_once}", other=NAIVE, most=0.35),
    )


TARGETS = (
    Target(figure="ack_p50_ms", other=BARE, most=0.2),
    Target(figure="ack_p99_ms", other=BARE, most=0.5),
    Target(figure="to_provider_p50_ms", other=NAIVE, most=1.0),
    Target(figure="to_card_p50_ms", other=NAIVE, most=1.25),
    *saturated(100),
    *saturated(400),
    Target(figure="burst_loaded_ack_p99_ms", other=NAIVE, most=0.3),
    Target(figure="burst_launches_per_s", other=NAIVE, least=4),
    Target(figure="burst_cpu_ms_per_launch", other=NAIVE, most=0.35),
    Target(figure="cpu_ms_per_run_and_round_1000", other=NAIVE, most=0.3),
    Target(figure="lag_of_even_polling_1000", most=1.1, words="1 = half a round"),
    Target(figure="rss_mb_10000", most=6.0, words="MB more than with 100"),
    Target(figure="cpu_ms_per_run_and_round_10000", other=OURS, other_figure="cpu_ms_per_run_and_round_100", most=1.0),
    Target(figure="looks_per_run_and_round_10000", least=0.95, words="1 = each run once a round"),
    Target(figure="lag_of_even_polling_10000", most=1.1, words="1 = half a round"),
    Target(figure="known_lag_times_questions", other=NAIVE, most=0.5),
    Target(figure="first_ack_s_10000", other=OURS, other_figure="first_ack_s_1000", most=1.2),
    Target(figure="all_tracked_s_10000", most=30, words="s"),
    Target(figure="ended_not_shown_10000", most=0, words="launches"),
    Target(figure="started_again_10000", most=0, words="launches"),
    flat("ack_p50_ms"),
    flat("ack_p99_ms"),
    flat("to_provider_p50_ms"),
    flat("to_card_p50_ms"),
    flat("launches_per_s_400", least=1 / 1.2),
    flat("cpu_ms_per_launch_400"),
    flat("loaded_ack_p99_ms_400"),
    flat("cpu_ms_per_run_and_round_1000"),
    flat("lag_of_even_polling_1000"),
    flat("first_ack_s_10000"),
    flat("all_tracked_s_10000"),
    Target(figure="status_p99_ms", of=FULL, most=50, words="ms"),
    Target(figure="bytes_per_launch", of=FULL, most=2000, words="bytes"),
    Target(figure="burst_day_of_floor", most=1.05, words="1 = the floor"),
    Target(figure="burst_day_refusals", most=3, words="refusals"),
    Target(figure="burst_day_calls_per_launch", most=1.3, words="answered calls"),
    Target(figure="steps_over_20_ms", most=0, words="steps of the loop"),
)


def medians_of(slices: Slices) -> dict[tuple[str, str], float]:
    """One figure of each; memory at 10,000 runs as what it is above that at 100."""
    medians = {key: median(values) for key, values in slices.items()}
    few, many = (OURS, "rss_mb_100"), (OURS, "rss_mb_10000")
    if few in medians and many in medians:
        medians[many] -= medians[few]
    return medians
