-- The history of executions: what docs/history.md describes. Version 1.

-- A run over one window: one folder of the layout <endpoint>/<schedule>/yyyy/mm/dd/hh/, or one run that recorded itself.
CREATE TABLE executions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again: one that is replaced gets another
  endpoint TEXT NOT NULL,           -- '' where there is none, as of batch transforms
  schedule TEXT NOT NULL,
  time TEXT NOT NULL,               -- UTC, 2026-11-23T05:00:00Z
  kind TEXT NOT NULL,               -- data_quality, model_quality, bias, attribution, or analysis (both of the last)
  verdict TEXT NOT NULL,            -- ok, violations, not judged, or unreadable
  violations INTEGER NOT NULL,
  rows INTEGER,                     -- NULL where the files do not say
  source TEXT NOT NULL,             -- the place that was imported; '' is the folder that this database lies in
  folder TEXT NOT NULL,             -- in it
  report TEXT,                      -- the name of the page for people in the folder
  present INTEGER NOT NULL          -- 0 once the folder is gone from the source
);
CREATE UNIQUE INDEX executions_by_time ON executions (endpoint, schedule, time, kind);
CREATE INDEX executions_by_folder ON executions (source, folder);

-- What an execution says of each dimension that it judges.
CREATE TABLE verdicts (
  execution INTEGER NOT NULL REFERENCES executions ON DELETE CASCADE,
  dimension TEXT NOT NULL,          -- data_quality, model_quality, bias, attribution
  verdict TEXT NOT NULL,
  violations INTEGER NOT NULL,
  PRIMARY KEY (execution, dimension)
) WITHOUT ROWID;

CREATE TABLE violations (
  execution INTEGER NOT NULL REFERENCES executions ON DELETE CASCADE,
  dimension TEXT NOT NULL,
  feature TEXT NOT NULL,            -- the column; the facet of bias; '' of model quality
  part TEXT NOT NULL,               -- the value of a facet, the label of attributions; else ''
  metric TEXT NOT NULL,             -- '' where the check is of none
  check_type TEXT NOT NULL,         -- as constraint_violations.json has it
  description TEXT NOT NULL
);
CREATE INDEX violations_by_execution ON violations (execution);

-- Whatever has a value in each execution.
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  schedule TEXT NOT NULL,
  dimension TEXT NOT NULL,
  feature TEXT NOT NULL,
  part TEXT NOT NULL,
  metric TEXT NOT NULL,
  worse TEXT,                       -- higher, lower, or away from 0: the side of its threshold that violates
  UNIQUE (endpoint, schedule, dimension, feature, part, metric)
);

CREATE TABLE points (
  series INTEGER NOT NULL REFERENCES series,
  execution INTEGER NOT NULL REFERENCES executions ON DELETE CASCADE,
  value REAL NOT NULL,
  low REAL,                         -- the interval of the value, where there is one
  high REAL,
  threshold REAL,                   -- what it was compared with, where the files say so
  PRIMARY KEY (series, execution)
) WITHOUT ROWID;
CREATE INDEX points_by_execution ON points (execution);

-- Folders that were read, by what was in them: they are not read again until that changes.
CREATE TABLE folders (
  source TEXT NOT NULL,
  folder TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (source, folder)
) WITHOUT ROWID;

-- Files that could not be used, and why.
CREATE TABLE skipped (
  source TEXT NOT NULL,
  path TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (source, path)
) WITHOUT ROWID;

-- The states of alarms: one a rule and series that it concerns.
CREATE TABLE alarms (
  rule TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  schedule TEXT NOT NULL,
  dimension TEXT NOT NULL,
  feature TEXT NOT NULL,
  part TEXT NOT NULL,
  metric TEXT NOT NULL,
  state TEXT NOT NULL,              -- OK, ALARM or INSUFFICIENT_DATA
  since TEXT NOT NULL,              -- of the execution with which it came into this state
  reason TEXT NOT NULL,
  told INTEGER NOT NULL,            -- 1 while an ALARM was told and its end was not
  PRIMARY KEY (rule, endpoint, schedule, dimension, feature, part, metric)
) WITHOUT ROWID;

-- Changes of these states.
CREATE TABLE transitions (
  id INTEGER PRIMARY KEY,
  time TEXT NOT NULL,               -- of the execution
  rule TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  schedule TEXT NOT NULL,
  dimension TEXT NOT NULL,
  feature TEXT NOT NULL,
  part TEXT NOT NULL,
  metric TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  value REAL,
  low REAL,                         -- the bounds that were in force
  high REAL,
  reason TEXT NOT NULL
);

-- Messages to targets: what is not delivered yet is tried again after the next execution.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  transition INTEGER NOT NULL REFERENCES transitions,
  target TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0,
  error TEXT
);

-- Any metric over time, by name.
CREATE VIEW metrics AS
SELECT e.time, e.endpoint, e.schedule, s.dimension, s.feature, s.part, s.metric, p.value, p.low, p.high, p.threshold,
  s.worse, e.id AS execution
FROM points p JOIN series s ON s.id = p.series JOIN executions e ON e.id = p.execution;

-- The last execution of each endpoint, schedule and dimension.
CREATE VIEW latest AS
SELECT e.endpoint, e.schedule, v.dimension, v.verdict, v.violations, MAX(e.time) AS time, e.rows, e.source, e.folder,
  e.report, e.id AS execution
FROM executions e JOIN verdicts v ON v.execution = e.id
GROUP BY e.endpoint, e.schedule, v.dimension;

-- Violations with their execution.
CREATE VIEW findings AS
SELECT e.time, e.endpoint, e.schedule, v.dimension, v.feature, v.part, v.metric, v.check_type, v.description,
  e.id AS execution
FROM violations v JOIN executions e ON e.id = v.execution;
