CREATE TABLE payments (
    payment_id text PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    method text NOT NULL CHECK (method IN ('card', 'pix')),
    amount_cents integer NOT NULL CHECK (amount_cents > 0),
    total_cents integer NOT NULL CHECK (total_cents >= amount_cents),
    installments integer NOT NULL CHECK (installments > 0),
    recipient text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'paid', 'refused', 'expired')),
    charge_id text UNIQUE,
    reason text NOT NULL,
    pix_code text NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX payments_awaited ON payments (expires_at) WHERE status = 'pending';
