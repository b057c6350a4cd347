-- Raw rows of one receipt. All rows of an envelope have its received_at, by which the index finds
-- the few granules that can hold them.
SELECT count()
FROM /*table*/
WHERE /*where*/
