-- Rows of an app, signal and minute: in the store, and in the archive.
SELECT sum(stored), sum(archived)
FROM ledger
WHERE org = /*org*/ AND app = /*app*/ AND signal = /*signal*/ AND minute = toDateTime(/*minute*/, 'UTC')
