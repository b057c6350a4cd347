"""`processors archive`: from the log into Parquet files, and small files into large ones."""
