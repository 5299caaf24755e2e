"""`softswitch.toml`: how this switch runs. The number plan is another file (`softswitch.plan`).

Read once at start, by `softswitch serve` and `softswitch check`; nothing changes it afterwards. Every key has its
default here and stands, with the same value and a comment, in the file we ship. The environment overrides single
keys: `SOFTSWITCH_SIP__PORT=5070`.
"""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from softswitch.configfile import Model, override, read_toml, unusable, validated
from softswitch.errors import ConfigError

SETTINGS_FILE = "softswitch.toml"
PLAN_FILE = "numbers.toml"
HERE = Path("config")
ENVIRONMENT_PREFIX = "SOFTSWITCH_"
OF_OUR_COMMANDS = frozenset({"SOFTSWITCH_TOKEN", "SOFTSWITCH_URL"})
"""Variables that `top`, `ladder` and `explain --live` read."""
RELATIVE_TO = "a relative path begins where the switch is started"


def _numeric(address: str) -> str:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise unusable(f'is "{address}"', "an IPv4 or IPv6 address, such as 127.0.0.1, 0.0.0.0 or ::1") from None
    return address


def _network(text: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        raise unusable(f'is "{text}"', "an address or network, such as 192.0.2.7 or 192.0.2.0/24") from None


def _even(ports: tuple[int, int]) -> tuple[int, int]:
    first, last = ports
    if last - first < 1 or first % 2:
        raise unusable(f"is [{first}, {last}]", "an even first port, and a last port above it")
    return ports


def is_http_url(text: str) -> bool:
    """Whether a request can be made of it: http or https, a host, and a port that there is."""
    try:
        parts = urlsplit(text)
        is_one_word = text.isprintable() and " " not in text
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and is_one_word
    except ValueError:
        return False


def _http(url: str) -> str:
    if url and not is_http_url(url):
        raise unusable(f'is "{url}"', "a URL that begins with http:// or https://, or nothing")
    return url


def _https(url: str) -> str:
    if url and not url.startswith("https://"):
        raise unusable(f'is "{url}"', "the https:// address at which others find the certificate, or nothing")
    return url


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise unusable(f'is "{folder}": there is no such folder', f"an existing folder; {RELATIVE_TO}")
    return folder


Address = Annotated[str, AfterValidator(_numeric)]
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, PlainValidator(_network)]
Folder = Annotated[Path, AfterValidator(_existing)]
Port = Annotated[int, Field(ge=1, le=65535)]
ListenPort = Annotated[int, Field(ge=0, le=65535)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Days = Annotated[int, Field(ge=0, le=36_500)]
Url = Annotated[str, AfterValidator(_http)]
Line = Annotated[str, Field(pattern=r"^[^\s]{1,255}$")]


class SipTlsSettings(Model):
    """What is shown and believed over TLS, where `transports` has it. Without files the switch makes its own."""

    port: ListenPort = 5061
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    verify_client: bool = False
    verify_peer: bool = False
    minimum_version: Literal["1.2", "1.3"] = "1.2"

    @model_validator(mode="after")
    def _a_certificate_has_a_key(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise unusable("has half of what it shows", "certificate and key, both or none")
        return self


class SipSettings(Model):
    """Where SIP is heard and how the switch speaks it."""

    addresses: Annotated[tuple[Address, ...], Field(min_length=1)] = ("127.0.0.1",)
    port: ListenPort = 5060
    transports: Annotated[tuple[Literal["udp", "tcp", "tls"], ...], Field(min_length=1)] = ("udp", "tcp")
    advertised_address: Address | None = None
    connections: Annotated[int, Field(ge=1)] = 4096
    connections_of_source: Annotated[int, Field(ge=1)] = 1024
    realm: str = "softswitch"
    unknown_sender: Literal["403", "silence"] = "403"
    session_expires_s: Annotated[int, Field(ge=90)] = 1800
    min_se_s: Annotated[int, Field(ge=90)] = 90
    options_every_s: NotNegative = 30.0
    tls: SipTlsSettings = SipTlsSettings()

    @model_validator(mode="after")
    def _the_session_outlives_its_minimum(self) -> Self:
        if self.session_expires_s < self.min_se_s:
            raise unusable(f"session_expires_s is {self.session_expires_s}", f"at least min_se_s ({self.min_se_s})")
        return self

    @property
    def public_addresses(self) -> tuple[str, ...]:
        """The listen addresses that others than this machine can reach."""
        return tuple(address for address in self.addresses if not ipaddress.ip_address(address).is_loopback)


class RegistrarSettings(Model):
    """Where users' phones are, and for how long that holds. Intervals in seconds; a `qualify_s` of 0 asks nobody."""

    domains: tuple[Line, ...] = ()
    edge_proxies: tuple[Network, ...] = ()
    default_expires_s: Annotated[int, Field(ge=10)] = 600
    min_expires_s: Annotated[int, Field(ge=1)] = 60
    max_expires_s: Annotated[int, Field(ge=10)] = 3600
    contacts: Annotated[int, Field(ge=1, le=100)] = 10
    qualify_s: NotNegative = 60.0
    algorithms: Annotated[tuple[Literal["SHA-256", "MD5"], ...], Field(min_length=1)] = ("SHA-256", "MD5")
    md5_agents: tuple[str, ...] = ("baresip v0.", "baresip v1.", "baresip v2.", "baresip v3.")
    nonce_lifetime_s: Annotated[float, Field(ge=30)] = 3900.0
    subscription_expires_s: Annotated[int, Field(ge=60)] = 3600

    @model_validator(mode="after")
    def _the_shortest_is_the_least(self) -> Self:
        if not self.min_expires_s <= self.default_expires_s <= self.max_expires_s:
            asked = f"{self.min_expires_s}, {self.default_expires_s} and {self.max_expires_s}"
            problem = f"min_expires_s, default_expires_s and max_expires_s are {asked}"
            raise unusable(problem, "three that rise in this order")
        return self


class GuardSettings(Model):
    """What wrong passwords cost. A ban concerns what users prove by password, never a trunk at the same address."""

    wrong_passwords: Count = 10
    window_s: Annotated[float, Field(gt=0)] = 60.0
    ban_s: Annotated[float, Field(gt=0)] = 300.0
    slowed_s: Annotated[float, Field(ge=0, le=10)] = 1.0


class MediaSettings(Model):
    """Where audio flows and what is spoken there."""

    address: Address = "127.0.0.1"
    advertised_address: Address | None = None
    ports: Annotated[tuple[Port, Port], AfterValidator(_even)] = (10000, 29999)
    codecs: Annotated[tuple[Literal["PCMU", "PCMA"], ...], Field(min_length=1)] = ("PCMU", "PCMA")
    dtmf: Literal["auto", "rfc4733", "inband"] = "auto"
    encryption: Literal["off", "offered", "required"] = "offered"
    silence_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    loudest_talkers: Annotated[int, Field(ge=1, le=32)] = 8
    realtime: bool = True
    prompts: tuple[Folder, ...] = ()
    language: str = "en_US"

    @model_validator(mode="after")
    def _others_can_be_told_an_address(self) -> Self:
        if ipaddress.ip_address(self.address).is_unspecified and self.advertised_address is None:
            problem = f'address is "{self.address}", which callers can\'t send audio to'
            raise unusable(problem, "an address of this machine, or advertised_address beside it")
        return self

    @model_validator(mode="after")
    def _one_family_of_addresses(self) -> Self:
        told = self.advertised_address
        if told is not None and (":" in told) != (":" in self.address):
            problem = f'advertised_address is "{told}", and audio is heard at "{self.address}"'
            raise unusable(problem, "two IPv4 addresses, or two IPv6 addresses")
        return self

    @property
    def is_local(self) -> bool:
        """Whether audio can come from this machine alone."""
        return ipaddress.ip_address(self.address).is_loopback


class ApiSettings(Model):
    """Where the REST API is heard."""

    enabled: bool = True
    address: Address = "127.0.0.1"
    port: ListenPort = 8080
    upload_limit_bytes: Annotated[int, Field(ge=1)] = 1 << 28

    @property
    def public_addresses(self) -> tuple[str, ...]:
        """The address, where others than this machine can reach it."""
        is_public = self.enabled and not ipaddress.ip_address(self.address).is_loopback
        return (self.address,) if is_public else ()


class StoreSettings(Model):
    """Which database holds the configuration and the records."""

    url: str = ""


class LimitSettings(Model):
    """What the switch takes on at most, whoever asks; trunks and trunk groups have limits of their own. 0: no limit."""

    calls: Count = 0
    cps: NotNegative = 0.0


class LogSettings(Model):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "human", "json"] = "auto"
    sip_messages: bool = False
    drops_every_s: Annotated[float, Field(gt=0)] = 10.0


class LadderSettings(Model):
    """What is kept to draw the ladder of a call."""

    messages: Count = 20_000


class QualitySettings(Model):
    """How often the quality of each leg is measured."""

    every_s: Annotated[float, Field(gt=0)] = 10.0


class RecordSettings(Model):
    """How long records are kept (0: for ever), and how many calls of unknown senders leave one."""

    keep_days: Days = 0
    keep_dead_letters_days: Days = 0
    strangers_per_minute: Count = 10
    all_strangers_per_minute: Count = 100


class CallbackSettings(Model):
    """Who is told by HTTP. A URL here comes before the partner's."""

    app_conference_call: Url = ""
    app_conference_meeting: Url = ""
    app_mediator: Url = ""
    call_dr: Url = ""
    secret: str = ""
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    attempts: Annotated[int, Field(ge=1, le=100)] = 8
    refused_networks: tuple[Network, ...] = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))


class HepSettings(Model):
    """A capture server that gets a copy of every SIP message."""

    address: str = ""
    port: Port = 9060
    agent: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = 2001
    password: str = ""


class StirSettings(Model):
    """STIR/SHAKEN: what our calls are signed with, and whether the signatures of others are looked at."""

    certificate: Path | None = None
    key: Path | None = None
    x5u: Annotated[str, AfterValidator(_https)] = ""
    verify: bool = False
    roots: tuple[Path, ...] = ()
    x5u_hosts: tuple[str, ...] = ()
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    fresh_s: Annotated[int, Field(ge=1, le=3600)] = 60

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = [self.certificate is not None, self.key is not None, bool(self.x5u)]
        if any(given) and not all(given):
            raise unusable("has a part of what signs", "certificate, key and x5u, all or none")
        if self.verify and not self.roots:
            raise unusable("verifies and trusts nobody", "roots: PEM files of the authorities to trust")
        return self


class DataSettings(Model):
    """Where the switch keeps what it writes."""

    directory: Path = Path("data")

    @property
    def recordings(self) -> Path:
        return self.directory / "recordings"


class Settings(Model):
    """The whole file."""

    sip: SipSettings = SipSettings()
    registrar: RegistrarSettings = RegistrarSettings()
    guard: GuardSettings = GuardSettings()
    media: MediaSettings = MediaSettings()
    api: ApiSettings = ApiSettings()
    limits: LimitSettings = LimitSettings()
    logs: LogSettings = LogSettings()
    data: DataSettings = DataSettings()
    store: StoreSettings = StoreSettings()
    ladder: LadderSettings = LadderSettings()
    quality: QualitySettings = QualitySettings()
    records: RecordSettings = RecordSettings()
    callbacks: CallbackSettings = CallbackSettings()
    hep: HepSettings = HepSettings()
    stir: StirSettings = StirSettings()


def load_settings(folder: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """`softswitch.toml` of `folder` under the environment. Raises an ExceptionGroup of `ConfigError`, or one."""
    path = folder / SETTINGS_FILE
    table, variables = override(Settings, read_toml(path), environment, ENVIRONMENT_PREFIX)
    return validated(Settings, table, str(path), variables)


def variables_ignored(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that look like ours and set nothing. No mistake: whoever runs containers may find such among theirs."""
    ours = (name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in OF_OUR_COMMANDS)
    return sorted(name for name in ours if "__" not in name)


def config_folder(given: Path | None) -> Path:
    """`--config`, else ./config, else the folder that came with the program.

    Raises `ConfigError` where the folder is no configuration; one that nobody has named may be something else's, and
    is passed over where it has none of our files (`passed_over`).
    """
    if given is not None:
        if not given.is_dir():
            raise ConfigError(str(given), "", "there is no such folder")
        return _whole(given)
    package = Path(__file__).parent
    places = (HERE, package / "shipped_config", package.parent / "config")
    return _whole(next((place for place in places if _files(place)), HERE))


def passed_over(given: Path | None) -> Path | None:
    """The folder ./config, where it is there and not taken, because none of our files is in it."""
    return HERE if given is None and HERE.is_dir() and not _files(HERE) else None


def _whole(folder: Path) -> Path:
    if not (folder / SETTINGS_FILE).is_file():
        beside = "".join(f", only {name}" for name in _files(folder))
        raise ConfigError(str(folder), "", f"has no {SETTINGS_FILE}{beside}", "a folder such as the config/ we ship")
    return folder


def _files(folder: Path) -> list[str]:
    """Those of our files that are in a folder."""
    return [name for name in (SETTINGS_FILE, PLAN_FILE) if (folder / name).is_file()]
