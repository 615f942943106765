"""What Streamlit would ask other hosts, and does not here. Usage statistics are off in `.streamlit/config.toml`."""

from streamlit import net_util


def look_nothing_up() -> None:
    """Keep Streamlit from asking another host for the machine's own address whenever a page of a foreign origin connects.

    Such a connection is then refused without a look-up. An address of one's own goes into `server.corsAllowedOrigins`.
    """
    net_util.get_external_ip = _unknown


def _unknown() -> None:
    return None
