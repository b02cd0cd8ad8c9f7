"""Postgres equals the same models under the same random steps; a restart is a new set of connections."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

from bot.store.postgres import PostgresStore
from tests.postgres_server import migrated_database
from tests.store import test_properties, test_properties_access

FEWER = settings(max_examples=10, stateful_step_count=30, deadline=None)


class OnPostgres:
    """Opens another database than the machine it is mixed into."""

    url = ""
    store: Any
    run: Any

    def open(self) -> None:
        self.url = self.url or migrated_database()
        self.store = PostgresStore(self.url)
        self.run(self.store.migrate())


class PostgresEqualsItsModel(OnPostgres, test_properties.StoreEqualsItsModel):
    """Launches, deliveries and tellings."""


class PostgresAccessEqualsItsModel(OnPostgres, test_properties_access.AccessEqualsItsModel):
    """Decisions, holdings, limits."""


TestPostgresEqualsItsModel = PostgresEqualsItsModel.TestCase
TestPostgresEqualsItsModel.settings = FEWER
TestPostgresAccessEqualsItsModel = PostgresAccessEqualsItsModel.TestCase
TestPostgresAccessEqualsItsModel.settings = FEWER
