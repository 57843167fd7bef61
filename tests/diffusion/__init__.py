"""A small release made by hand, hostile texts included, and readers of what a publication makes of it."""

from tests.diffusion.lecture import read_csv_rows, read_sheet
from tests.diffusion.version import HOSTILE, write_release

__all__ = ["HOSTILE", "read_csv_rows", "read_sheet", "write_release"]
