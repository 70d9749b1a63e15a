"""The sections of reports: each file has what one says, tabulates and draws."""
