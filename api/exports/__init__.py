"""Exports: raw rows as files, made beside the questions by processes of their own."""
