-- As many events as the variable `events` says, of the kinds that orders.sql writes one by one.
INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
SELECT 'shop', t.aggregate, gen_random_uuid()::text, 1, gen_random_uuid(), t.type, convert_to(t.payload, 'UTF8')
FROM (SELECT CASE WHEN i % 10 < 3 THEN 'User' ELSE 'Order' END AS aggregate,
             CASE WHEN i % 10 < 3 THEN 'UserCreated' WHEN i % 10 < 9 THEN 'OrderPlaced' ELSE 'OrderShipped' END AS type,
             json_build_object('order_id', i, 'amount', (i % 99999 / 100.0)::numeric(12, 2)::text,
                               'currency', CASE WHEN i % 7 < 3 THEN 'USD' ELSE 'EUR' END)::text AS payload
      FROM generate_series(1, :events) AS i) AS t;
