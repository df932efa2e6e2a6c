"""Actions: what a space, workbook, sheet or document offers to be done; each starts a job."""
