"""The `xaitui` command on a machine without a name: `python -m screenshots.hidden_host train --headless`."""

from __future__ import annotations

from screenshots.environment import hide_host
from xaitui.__main__ import main

if __name__ == "__main__":
    hide_host()
    main()
