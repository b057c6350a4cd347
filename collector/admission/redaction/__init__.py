"""Redaction: what an app does not want stored is changed before anything is durable. Pure.

`rules.py` compiles an app's record once into a `Redactor`; `otlp.py`, `native.py` and
`json_text.py` walk what is to be stored; `text.py` changes one text; `detectors.py` says what is an
e-mail address, a payment card and so on. All matching takes time in proportion to the text (RE2).
"""
