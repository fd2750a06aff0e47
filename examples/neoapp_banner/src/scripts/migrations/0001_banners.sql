CREATE TABLE banners (
    banner_id text PRIMARY KEY,
    title text NOT NULL,
    image_url text NOT NULL,
    audience text NOT NULL CHECK (audience IN ('everyone', 'visitors', 'customers')),
    priority integer NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    CHECK (starts_at <= ends_at)
);

-- What is shown now: few of all that ever were have not ended.
CREATE INDEX banners_by_end ON banners (ends_at);
