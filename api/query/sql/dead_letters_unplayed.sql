-- Letters whose event is not stored yet.
 AND letter_id NOT IN (SELECT letter_id FROM dead_letter_replays WHERE /*scope*/)
