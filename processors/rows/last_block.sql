-- The token of the last block that was inserted of a stream, and when (ms); '' without one.
SELECT tupleElement(max(last), 3) AS token, intDiv(tupleElement(max(last), 2), 1000000) AS written_ms
FROM stored_blocks
WHERE stream = {stream:String}
