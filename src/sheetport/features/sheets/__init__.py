"""Sheets: named fields in a workbook, and where a record keeps each field's value."""
