"""Where tables live and queries run: the only code that knows DuckDB, Iceberg and Parquet."""
