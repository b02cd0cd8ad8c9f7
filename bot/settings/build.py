"""The configuration file → typed values, or every fault in it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.domain.errors import SettingsError
from bot.domain.grants import ChannelPolicy, Freeze, Grant, Limits, Policy
from bot.domain.model import Connection, InputSpec, Json, Workflow
from bot.domain.provider import Provider, Secret
from bot.settings import unbuilt
from bot.settings.connection_schema import ConnectionSection, InputSection, LooseConnection, WorkflowSection
from bot.settings.crossing import Crossing
from bot.settings.digest import digest
from bot.settings.document import Document, Fault, Place, parse
from bot.settings.faults import faults_of, lines, scrubbed
from bot.settings.marks import credential_mark
from bot.settings.own_keys import connection_section, extras_of, options_of
from bot.settings.policy_schema import ChannelSection, FreezeSection, GrantSection
from bot.settings.references import Resolved, resolve
from bot.settings.schema import FileSection
from bot.settings.sections import Known

SectionT = TypeVar("SectionT", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The configuration file, typed. ``credentials`` and ``secrets`` are by connection name, then by field.

    ``warnings`` are lines like those of faults, about what may be meant so.
    """

    command: str
    operators: str | None
    connections: Mapping[str, Connection]
    credentials: Mapping[str, Mapping[str, Secret]]
    secrets: Mapping[str, Mapping[str, Secret]]
    policy: Policy
    warnings: tuple[str, ...] = ()


def read_configuration(path: Path, *, providers: Mapping[str, Provider], environment: Mapping[str, str]) -> Configuration:
    """Read and check the whole file.

    Raises:
        SettingsError: with every fault, in the order of the file.
    """
    document = parse(_text(path))
    resolved = resolve(document.value, environment)
    reading = _Reading(file=str(path), document=document, resolved=resolved, known=_known(resolved.value, providers))
    configuration = reading.read() if document.value is not None else None
    if configuration is None:
        faults = reading.faults or document.faults or [_EMPTY]
        raise SettingsError(lines(str(path), document, faults, resolved.secrets.values()))
    return configuration


_EMPTY = Fault(place=(), text="is empty: it needs connections and channels", line=1)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError([f"{path}:{line}: is not UTF-8 text"]) from None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "no such path"
        raise SettingsError(
            [f"{path}: cannot be read ({cause}): name the file in GONOGO_CONFIG, or write one with gonogo init"]
        ) from None


def _known(value: Json, providers: Mapping[str, Provider]) -> Known:
    named = {place[1]: provider for place, provider in unbuilt.matching(value, ("connections", "*", "provider"))}
    names = [place[1] for place, _ in unbuilt.matching(value, ("connections", "*"))]
    found = {name: providers.get(str(named.get(name))) for name in names if isinstance(name, str)}
    return Known(providers=providers, connections=found)


@dataclass(kw_only=True)
class _Reading:
    """One pass over a document; faults gather on the way."""

    file: str
    document: Document
    resolved: Resolved
    known: Known
    faults: list[Fault] = field(default_factory=list[Fault])

    def read(self) -> Configuration | None:
        """The configuration; None where there are faults."""
        self.faults += [
            *self.document.faults,
            *self.resolved.faults,
            *unbuilt.faults(self.resolved.value, self.known.connections),
        ]
        whole = self._validated(FileSection, self.resolved.value, ())
        built = {name: self._connection(name) for name in self.known.connections}
        connections = {name: connection for name, connection in built.items() if connection}
        crossing = Crossing(known=self.known, connections=connections, secrets=self.resolved.secrets)
        self.faults += list(crossing.faults(whole)) if whole else []
        if self.faults or whole is None:
            return None
        freezes = tuple(_freeze(section) for section in whole.freezes)
        channels = {channel_id: _channel(channel_id, section) for channel_id, section in whole.channels.items()}
        return Configuration(
            command=whole.slack.command,
            operators=whole.slack.operators,
            connections=connections,
            credentials={name: self._secrets(name, "credential") for name in connections},
            secrets={name: self._secrets(name, "secrets") for name in connections},
            policy=Policy(channels=channels, digest=digest(connections, channels, freezes), freezes=freezes),
            warnings=self._lines(crossing.warnings(whole)),
        )

    def _lines(self, faults: Iterable[Fault]) -> tuple[str, ...]:
        return tuple(lines(self.file, self.document, list(faults), self.resolved.secrets.values()))

    def _connection(self, name: str) -> Connection | None:
        provider, place = self.known.connections[name], ("connections", name)
        model = connection_section(provider) if provider else LooseConnection
        section = self._validated(model, self.resolved.value["connections"][name], place)
        if provider is None or section is None:
            return None
        try:
            connection = _connection(name, provider, section)
        except ValidationError as error:  # a rule of the provider's own class, such as one that binds two keys
            self.faults += faults_of(error, model, place, self.document)
            return None
        self._check_credential(provider, connection)
        return replace(connection, credential_mark=credential_mark(name, self._secrets(name, "credential")))

    def _check_credential(self, provider: Provider, connection: Connection) -> None:
        place = ("connections", connection.name, "credential")
        if any(fault.place[:3] == place for fault in self.faults):
            return
        credential = self._secrets(connection.name, "credential")
        hidden = [*self.resolved.filled, *(secret.reveal() for secret in credential.values())]
        problems = provider.credential_problems(credential, connection)
        self.faults += [Fault(place=place, text=scrubbed(problem, hidden)) for problem in problems]

    def _secrets(self, name: str, section: str) -> dict[str, Secret]:
        place: Place = ("connections", name, section)
        return {str(at[-1]): secret for at, secret in self.resolved.secrets.items() if at[:-1] == place}

    def _validated(self, model: type[SectionT], value: Json, place: Place) -> SectionT | None:
        try:
            return model.model_validate(value, context=self.known)
        except ValidationError as error:
            unresolved = {fault.place for fault in self.resolved.faults}
            found = faults_of(error, model, place, self.document)
            self.faults += [fault for fault in found if fault.place not in unresolved]
            return None


def _connection(name: str, provider: Provider, section: ConnectionSection) -> Connection:
    return Connection(
        name=name,
        provider=provider.name,
        base_url=section.base_url,
        options=options_of(provider, section),
        workflows={key: _workflow(key, provider, entry) for key, entry in section.workflows.items()},
        poll_every_s=section.poll_every,
        timeout_s=section.timeout,
        secret_names=tuple(section.secrets),
    )


def _workflow(workflow_id: str, provider: Provider, section: WorkflowSection) -> Workflow:
    inputs = section.inputs
    return Workflow(
        workflow_id=workflow_id,
        name=section.name,
        version=section.version,
        inputs=None if inputs is None else tuple(_input(name, entry) for name, entry in inputs.items()),
        extras=extras_of(provider, section),
    )


def _input(name: str, section: InputSection) -> InputSpec:
    return InputSpec(
        name=name,
        type=section.type,
        required=section.required,
        label=section.label,
        hint=section.hint,
        default=section.default,
        is_default_ours=section.default is not None,
        options=tuple(section.options),
        many=section.many,
    )


def _channel(channel_id: str, section: ChannelSection) -> ChannelPolicy:
    return ChannelPolicy(
        channel_id=channel_id,
        name=section.name or channel_id,
        grants=tuple(_grant(entry) for entry in section.grants),
        is_shared_allowed=section.shared,
    )


def _grant(section: GrantSection) -> Grant:
    return Grant(
        connection=section.connection,
        scopes=tuple(section.scopes),
        workflows=tuple(section.workflows),
        requesters=tuple(section.requesters),
        inputs={name: rule.as_rule() for name, rule in section.inputs.items()},
        approval=section.approval.as_rule() if section.approval else None,
        limits=Limits(per_hour=section.limits.per_hour, running=section.limits.running) if section.limits else None,
        single_transaction=section.single_transaction,
    )


def _freeze(section: FreezeSection) -> Freeze:
    return Freeze(
        name=section.name,
        begins=section.begins,
        ends=section.ends,
        connections=tuple(section.connections),
        exempt=tuple(section.exempt),
    )
