"""Where the data of this machine are, unless `QMS_HOME` says otherwise."""

import os
from pathlib import Path

from platformdirs import user_data_path


def default_home() -> Path:
    """Return the folder of the embedded database and the spool."""
    if os.geteuid() == 0:
        return Path("/var/lib/qms-mcp")  # the database server runs as another user, who can't enter /root
    return user_data_path("qms-mcp", appauthor=False)
