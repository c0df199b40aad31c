-- name: InsertEvent :exec
INSERT INTO events (user_id, id, connection_id, type, definition_id, at, resource, payload)
VALUES (@user_id, @id, @connection_id, @type, @definition_id, @at, @resource, @payload);

-- name: ListEvents :many
SELECT * FROM events WHERE user_id = @user_id AND id > @after ORDER BY id LIMIT CAST(@most AS BIGINT);

-- name: LastEventID :one
SELECT last_event_id FROM users WHERE id = @id;

-- name: InsertQueue :one
INSERT INTO queues (user_id, position, created_at, polled_at) VALUES (@user_id, @position, @created_at, @created_at) RETURNING id;

-- name: DropQueuesBeyond :exec
DELETE FROM queues WHERE id IN (
    SELECT q.id FROM queues q WHERE q.user_id = @user_id ORDER BY q.position DESC, q.id DESC LIMIT 1000 OFFSET CAST(@kept AS BIGINT));

-- name: FindQueue :one
SELECT queues.id, queues.user_id, queues.position, queues.polled_at, users.forgotten_event_id
FROM queues JOIN users ON users.id = queues.user_id WHERE queues.id = @id;

-- name: MoveQueue :exec
UPDATE queues SET position = @position WHERE id = @id AND position < @position;

-- name: NotePoll :exec
UPDATE queues SET polled_at = @polled_at WHERE id = @id AND polled_at < @polled_at;

-- name: ListUsersOfOldQueues :many
SELECT user_id FROM queues WHERE polled_at < @before ORDER BY polled_at LIMIT CAST(@most AS BIGINT);

-- name: BeginQueues :exec
UPDATE queues SET polled_at = @now WHERE queues.user_id = @user_id AND queues.polled_at = 0;

-- name: DropOldQueues :many
DELETE FROM queues WHERE queues.user_id = @user_id AND queues.polled_at < @before RETURNING id;

-- name: EndQueues :exec
UPDATE users SET ended_queue_id = @last WHERE id = @id AND ended_queue_id < @last;

-- name: EndedQueue :one
SELECT ended_queue_id FROM users WHERE id = @id;

-- name: DropEvents :exec
DELETE FROM events WHERE user_id = @user_id AND connection_id = @connection_id;

-- name: ListUsersOfOldEvents :many
SELECT user_id FROM events WHERE at < @before ORDER BY at LIMIT CAST(@most AS BIGINT);

-- name: DropOldEvents :many
DELETE FROM events WHERE events.user_id = @user_id AND events.id IN (
    SELECT e.id FROM events e WHERE e.user_id = @user_id AND e.at < @before ORDER BY e.id LIMIT CAST(@most AS BIGINT))
RETURNING id;

-- name: ForgetEvents :exec
UPDATE users SET forgotten_event_id = @last WHERE id = @id AND forgotten_event_id < @last;
