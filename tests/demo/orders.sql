\set kind random(1, 10)
\set account random(1, 200)
\set cents random(100, 99999)
BEGIN;
INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
SELECT 'shop', t.aggregate, gen_random_uuid()::text, 1, gen_random_uuid(), t.type, convert_to(t.payload, 'UTF8')
FROM (SELECT CASE WHEN :kind <= 3 THEN 'User' ELSE 'Order' END AS aggregate,
             CASE WHEN :kind <= 3 THEN 'UserCreated' WHEN :kind <= 9 THEN 'OrderPlaced' ELSE 'OrderShipped' END AS type,
             CASE WHEN :kind <= 3 THEN '{"name":"user :account"}'
                  ELSE json_build_object('order_id', :account, 'amount', (:cents / 100.0)::numeric(12, 2)::text,
                                         'currency', CASE WHEN :account % 3 = 0 THEN 'USD' ELSE 'EUR' END)::text END
               AS payload) t;
COMMIT;
