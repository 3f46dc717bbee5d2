"""One HTML file that shows what a command found: tables, texts, pictures. All reports of MACE are made of this."""

from mace.report.html import Cell, Picture, Report, Table, Text

__all__ = ["Cell", "Picture", "Report", "Table", "Text"]
