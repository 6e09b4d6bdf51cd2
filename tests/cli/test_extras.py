"""Commands whose packages are an optional part of the installation."""

from __future__ import annotations

import pytest

from app.cli.extras import require_backend
from app.core.errors import InvigilError


def test_missing_packages_are_named_with_the_way_to_install_them() -> None:
    with pytest.raises(InvigilError, match=r"\(no_such_package\).*invigil\[backend\]"):
        require_backend(("argparse", "no_such_package"))


def test_the_list_names_what_is_imported() -> None:
    require_backend()
