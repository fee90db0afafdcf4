-- +goose Up
-- +goose StatementBegin
CREATE TABLE meta (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  origin TEXT    NOT NULL,            -- this ledger, for ever
  epoch  INTEGER NOT NULL,            -- raised by every restore
  key    TEXT    NOT NULL DEFAULT ''  -- fingerprint of the site key
) STRICT;

-- Facts: append-only, hash-chained.
CREATE TABLE fact (
  seq      INTEGER PRIMARY KEY,
  origin   TEXT    NOT NULL,
  epoch    INTEGER NOT NULL,
  id       TEXT    NOT NULL UNIQUE,
  kind     TEXT    NOT NULL,
  version  INTEGER NOT NULL,
  at       INTEGER NOT NULL,          -- UTC milliseconds
  boot     TEXT    NOT NULL,
  boottime INTEGER NOT NULL,          -- milliseconds
  item     TEXT    NOT NULL,          -- '' where none is meant
  loan     TEXT    NOT NULL,
  subject  BLOB    NOT NULL CHECK (length(subject) = 16),
  body     BLOB    NOT NULL,
  prev     BLOB    NOT NULL CHECK (length(prev) = 32),
  hash     BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX fact_item ON fact (item, seq) WHERE item <> '';
CREATE INDEX fact_at ON fact (at);
CREATE INDEX fact_support ON fact (substr(id, -4)) WHERE kind = 'refused';
CREATE TRIGGER fact_is_not_changed BEFORE UPDATE ON fact
BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER fact_is_not_removed BEFORE DELETE ON fact
BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;

-- The only link between a loan and its person.
CREATE TABLE subject (
  subject BLOB PRIMARY KEY CHECK (length(subject) = 16),
  patron  TEXT NOT NULL REFERENCES patron (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_patron ON subject (patron);

-- Projections: the fold of the facts, column for column.
CREATE TABLE loan (
  id          TEXT    PRIMARY KEY,
  item        TEXT    NOT NULL REFERENCES item (id),
  title       TEXT    NOT NULL REFERENCES title (id),
  loan_type   TEXT    NOT NULL,
  category    TEXT    NOT NULL,
  subject     BLOB    NOT NULL UNIQUE CHECK (length(subject) = 16),
  policy      TEXT    NOT NULL REFERENCES policy (id),
  policy_rev  INTEGER NOT NULL,
  lent_at     INTEGER NOT NULL,
  due_at      INTEGER NOT NULL,
  station     TEXT    NOT NULL,
  lent_by     TEXT    NOT NULL,
  returned_at INTEGER CHECK (returned_at >= lent_at),
  returned_by TEXT    CHECK ((returned_by IS NULL) = (returned_at IS NULL)),
  undone      INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX loan_one_open_per_item ON loan (item) WHERE returned_at IS NULL;
CREATE INDEX loan_open_due ON loan (due_at) WHERE returned_at IS NULL;
CREATE INDEX loan_returned ON loan (returned_at) WHERE returned_at IS NOT NULL;
CREATE INDEX loan_item ON loan (item);

CREATE TABLE finding (
  id        TEXT    PRIMARY KEY,
  kind      TEXT    NOT NULL,
  item      TEXT    NOT NULL,
  station   TEXT    NOT NULL,
  tail      TEXT    NOT NULL,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER CHECK (closed_at >= opened_at)
) STRICT;
CREATE INDEX finding_open ON finding (opened_at) WHERE closed_at IS NULL;

-- Reference rows: edited in place; rev = that of the row's last 'changed' fact.
CREATE TABLE patron (
  id            TEXT    PRIMARY KEY,
  external_id   TEXT    NOT NULL UNIQUE CHECK (external_id <> ''),
  given_name    TEXT    NOT NULL CHECK (given_name <> ''),
  family_name   TEXT    NOT NULL,
  category      TEXT    NOT NULL,
  status        TEXT    NOT NULL CHECK (status IN ('active', 'inactive', 'blocked')),
  expires       INTEGER,
  language      TEXT    NOT NULL CHECK (language IN ('', 'en', 'zh-Hant', 'zh-Hans')),
  given_folded  TEXT    NOT NULL,
  family_folded TEXT    NOT NULL,
  rev           INTEGER NOT NULL
) STRICT;
CREATE INDEX patron_given ON patron (given_folded);
CREATE INDEX patron_family ON patron (family_folded);

CREATE TABLE badge (
  id      TEXT    PRIMARY KEY,
  patron  TEXT    NOT NULL REFERENCES patron (id),
  tail    TEXT    NOT NULL CHECK (length(tail) <= 2),
  revoked INTEGER,
  rev     INTEGER NOT NULL
) STRICT;
CREATE INDEX badge_patron ON badge (patron);

CREATE TABLE title (
  id          TEXT    PRIMARY KEY,
  external_id TEXT    NOT NULL UNIQUE CHECK (external_id <> ''),
  name        TEXT    NOT NULL CHECK (name <> ''),
  loan_type   TEXT    NOT NULL CHECK (loan_type <> ''),
  rev         INTEGER NOT NULL
) STRICT;

CREATE TABLE item (
  id             TEXT    PRIMARY KEY,
  external_id    TEXT    NOT NULL UNIQUE CHECK (external_id <> ''),
  title          TEXT    NOT NULL REFERENCES title (id),
  label          TEXT    NOT NULL CHECK (label <> ''),
  not_for_loan   INTEGER NOT NULL CHECK (not_for_loan IN (0, 1)),
  retired        INTEGER,
  retired_reason TEXT    NOT NULL CHECK (retired IS NULL OR retired_reason <> ''),
  rev            INTEGER NOT NULL
) STRICT;
CREATE INDEX item_title ON item (title);
CREATE INDEX item_label ON item (label COLLATE NOCASE);

CREATE TABLE item_tag (
  id      TEXT    PRIMARY KEY,
  item    TEXT    NOT NULL REFERENCES item (id),
  tail    TEXT    NOT NULL CHECK (length(tail) <= 2),
  removed INTEGER,
  rev     INTEGER NOT NULL
) STRICT;
CREATE INDEX item_tag_item ON item_tag (item);

CREATE TABLE policy (
  id           TEXT    PRIMARY KEY,
  loan_type    TEXT    NOT NULL UNIQUE CHECK (loan_type <> ''),
  period       TEXT    NOT NULL,
  limit_total  INTEGER NOT NULL CHECK (limit_total >= 0),
  limit_type   INTEGER NOT NULL CHECK (limit_type >= 0),
  self_service INTEGER NOT NULL CHECK (self_service IN (0, 1)),
  rev          INTEGER NOT NULL
) STRICT;

CREATE TABLE staff (
  id            TEXT    PRIMARY KEY,
  name          TEXT    NOT NULL UNIQUE CHECK (name <> ''),
  role          TEXT    NOT NULL CHECK (role IN ('desk', 'admin')),
  password_hash TEXT    NOT NULL CHECK (password_hash <> ''),
  patron        TEXT    REFERENCES patron (id),
  disabled      INTEGER,
  rev           INTEGER NOT NULL
) STRICT;
CREATE INDEX staff_patron ON staff (patron) WHERE patron IS NOT NULL;

CREATE TABLE token (
  id      TEXT    PRIMARY KEY,
  name    TEXT    NOT NULL CHECK (name <> ''),
  hash    BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
  scopes  TEXT    NOT NULL,
  created INTEGER NOT NULL,
  revoked INTEGER,
  rev     INTEGER NOT NULL
) STRICT;

-- A badge or an item tag, never both: one row per spelling. Both NULL means
-- that a short spelling is shared by two tags.
CREATE TABLE tag_key (
  hmac  BLOB PRIMARY KEY CHECK (length(hmac) = 32),
  form  TEXT NOT NULL,
  badge TEXT REFERENCES badge (id),
  tag   TEXT REFERENCES item_tag (id),
  CHECK (badge IS NULL OR tag IS NULL)
) STRICT, WITHOUT ROWID;

-- Memory of acts and of logins; no part of the record.
CREATE TABLE operation (
  id     TEXT    PRIMARY KEY,
  hash   BLOB    NOT NULL CHECK (length(hash) = 32),
  answer BLOB    NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operation_at ON operation (at);

CREATE TABLE staff_session (
  hash      BLOB    PRIMARY KEY CHECK (length(hash) = 32),
  staff     TEXT    NOT NULL REFERENCES staff (id),
  created   INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token_use (
  token TEXT    PRIMARY KEY REFERENCES token (id),
  at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER subject_of_open_loan_stays BEFORE DELETE ON subject
WHEN EXISTS (SELECT 1 FROM loan WHERE subject = OLD.subject AND returned_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'an open loan has a patron'); END;
CREATE TRIGGER item_is_not_removed BEFORE DELETE ON item
BEGIN SELECT RAISE(ABORT, 'items are retired, never deleted'); END;
CREATE TRIGGER item_on_loan_is_not_retired BEFORE UPDATE OF retired ON item
WHEN NEW.retired IS NOT NULL AND EXISTS (SELECT 1 FROM loan WHERE item = NEW.id AND returned_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'an item on loan is not retired'); END;
CREATE TRIGGER retired_item_is_not_lent BEFORE INSERT ON loan
WHEN EXISTS (SELECT 1 FROM item WHERE id = NEW.item AND retired IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'a retired item is not lent'); END;
CREATE TRIGGER open_loan_has_patron BEFORE INSERT ON loan
WHEN NOT EXISTS (SELECT 1 FROM subject WHERE subject = NEW.subject)
BEGIN SELECT RAISE(ABORT, 'an open loan has a patron'); END;
-- +goose StatementEnd
