"""The native batch: `decode` makes values of bytes, `validate` says which events are stored.

    decode.decode(body) -> TypedBatch | RawBatch
    validate.validate(batch, …) -> ValidatedBatch
    validate.dead_letters(batch, validated)

`event` is the type of one event and holds every limit that decoding checks, `errors` finds what is
wrong with an event or a member that does not fit its type. Pure.
"""
