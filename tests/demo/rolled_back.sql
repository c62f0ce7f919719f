BEGIN;
INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
VALUES ('shop', 'User', gen_random_uuid()::text, 1, gen_random_uuid(), 'UserCreated', convert_to('{}', 'UTF8'));
ROLLBACK;
