"""Admission: who is sending, and what of it is taken. Pure: values and `now` in, values out."""
