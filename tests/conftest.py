"""What holds for every test: no proxy, no real Slack, and on CI no skips."""

from __future__ import annotations

import os

import pytest

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_OURS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL", "GONOGO_CONFIG", "GONOGO_DATABASE_URL")


def pytest_configure() -> None:
    """Nothing of the machine's own settings may reach a test: proxies would carry loopback calls elsewhere."""
    for name in (*_PROXIES, *_OURS):
        os.environ.pop(name, None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a green run is not enough, where it is not."""
    if os.environ.get("GONOGO_SKIPS_FAIL") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("GONOGO_SKIPS_FAIL is set: a skipped test counts as failed", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where every test must run, a skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("GONOGO_SKIPS_FAIL") and exitstatus == 0 and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
