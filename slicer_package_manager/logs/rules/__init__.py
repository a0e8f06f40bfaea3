"""Rules of the statistics from logs: pure functions and expressions of SQL, which read no file and no database."""
