"""``python -m app`` is ``invigil``."""

import sys

from app.cli.main import main

sys.exit(main())
