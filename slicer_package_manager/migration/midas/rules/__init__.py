"""The rules for data of MIDAS, which decide by plain values: no database, no files, no network."""
