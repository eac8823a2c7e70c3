-- The batch that is about to be appended: after a crash it is known how far it reached, whatever can be read by then.
ALTER TABLE stray ADD COLUMN in_doubt_to TEXT;
ALTER TABLE stray ADD COLUMN in_doubt_sequence INTEGER;
