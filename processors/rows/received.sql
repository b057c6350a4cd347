-- How many rows there are of requests with these receipts, received between two instants (ms).
SELECT count() FROM {raw:Identifier}
WHERE receipt IN {receipts:Array(String)}
    AND toUnixTimestamp64Milli(received_at) BETWEEN {first:Int64} AND {last:Int64}
