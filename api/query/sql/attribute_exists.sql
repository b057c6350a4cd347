-- Whether any raw row has an attribute: ends at the first, and reads the keys alone.
SELECT 1 FROM /*table*/ WHERE /*where*/ LIMIT 1
