CREATE TABLE IF NOT EXISTS snowflake_id_format (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    epoch_ms bigint NOT NULL,
    timestamp_bits int NOT NULL,
    node_id_bits int NOT NULL,
    sequence_bits int NOT NULL
);
CREATE TABLE IF NOT EXISTS snowflake_lease (
    node_id int PRIMARY KEY CHECK (node_id BETWEEN 0 AND 1023),
    fencing_token bigint NOT NULL CHECK (fencing_token > 0),
    from_ms bigint NOT NULL,
    high_water_mark_ms bigint NOT NULL,
    held boolean NOT NULL,
    holder text NOT NULL,
    CHECK (from_ms BETWEEN 0 AND high_water_mark_ms)
);
INSERT INTO snowflake_id_format VALUES (true, 1704067200000, 41, 10, 12);
INSERT INTO snowflake_lease VALUES
    (7, 3, 1795177540000, 1795177543000, true, 'pod-7 on host a'),
    (1023, 3, 1795177540000, 1795177543000, false, '');
