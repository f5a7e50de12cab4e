"""The `xaitui` command on a machine without a name: `python -m screenshots.unnamed train --headless`."""

from __future__ import annotations

from screenshots.place import hide_host
from xaitui.__main__ import main

if __name__ == "__main__":
    hide_host()
    main()
