-- Deadlines of orders that came and were told, so that each rings once: a promise, or when the till of a payment gives up.
CREATE TABLE late (
    order_id  INTEGER NOT NULL,
    deadline  INTEGER NOT NULL,
    PRIMARY KEY (order_id, deadline)
) STRICT, WITHOUT ROWID;
