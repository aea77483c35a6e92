"""``python -m actviz`` is the ``actviz`` command."""

import sys

from actviz.cli import main

sys.exit(main())
