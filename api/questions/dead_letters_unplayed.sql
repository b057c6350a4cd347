-- Dead letters whose event is not stored yet.
 AND dead_letter_id NOT IN (SELECT dead_letter_id FROM dead_letter_replays WHERE /*scope*/)
