CREATE TABLE notifications (
    notification_id text PRIMARY KEY,
    recipient text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    created_at timestamptz NOT NULL,
    read_at timestamptz
);

CREATE INDEX notifications_unread ON notifications (recipient) WHERE read_at IS NULL;
