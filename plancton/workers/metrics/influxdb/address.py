"""Where a sink is and what it is called: both forms of ``influxdb_url`` come to the same."""

from urllib.parse import quote, unquote

import msgspec

from plancton.common.influxdb_setting import InfluxDB

_INSECURE = "insecure_"


def sink_of(item: str | InfluxDB) -> InfluxDB:
    """Return what an item of ``influxdb_url``, which the settings' own check has passed, says as a mapping would.

    In a URL, user and password may be percent-encoded.
    """
    if isinstance(item, InfluxDB):
        return msgspec.structs.replace(item, url=item.url.rstrip("/"))
    whole, _, database = item.partition("#")
    scheme, _, rest = whole.partition("://")
    authority, slash, path = rest.partition("/")
    login, at, host = authority.rpartition("@")
    user, _, password = login.partition(":")
    # What follows a ? means nothing here, and may be a password.
    address = f"{scheme}://{host}{slash}{path.partition('?')[0]}"
    return InfluxDB(
        url=address.rstrip("/"),
        database=database,
        user=unquote(user) if at else None,
        password=unquote(password) if at else None,
    )


def name_of(sink: InfluxDB) -> str:
    """Return the address without the login, to be shown; two sinks of one name lead to the same place."""
    if sink.database is not None:
        return f"{sink.url}#{sink.database}"
    words = [f"bucket={_word(sink.bucket or '')}", *([f"org={_word(sink.org)}"] if sink.org is not None else [])]
    return " ".join((sink.url, *words))


def base_of(sink: InfluxDB) -> str:
    """Return the URL that the paths of the API follow."""
    return sink.url.removeprefix(_INSECURE)


def is_verified(sink: InfluxDB) -> bool:
    """Tell whether the server must prove who it is, where it speaks TLS."""
    return not sink.url.startswith(_INSECURE)


def _word(text: str) -> str:
    """Return a text without the blanks and signs that would make another name of it."""
    return "".join(quote(letter) if letter in " %=" else letter for letter in text)
