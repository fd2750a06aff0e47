CREATE TABLE installments (
    payment_id text NOT NULL REFERENCES payments,
    number integer NOT NULL,
    recipient text NOT NULL,
    amount_cents integer NOT NULL CHECK (amount_cents > 0),
    due_on date NOT NULL,
    PRIMARY KEY (payment_id, number)
);

CREATE INDEX installments_by_day ON installments (due_on);
