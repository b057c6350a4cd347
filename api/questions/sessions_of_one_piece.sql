-- Keys with one piece: it is their session.
        UNION ALL
        SELECT at, until, weight, label, events, views, sampled
        FROM all_pieces
        WHERE key NOT IN of_several
