-- What the first page of the site shows, chosen and counted while the database is built, so that no reader waits for it.
-- Run by views.py where all of these tables are there. The page itself is pipeline/serve/templates/index.html.

CREATE TABLE front_figures (chart TEXT NOT NULL, stage TEXT NOT NULL, claim_id TEXT NOT NULL, PRIMARY KEY (chart, claim_id)) WITHOUT ROWID;

-- Country totals of complaints, a printed number once, nothing longer than two years.
INSERT INTO front_figures
SELECT 'complaints', '', min(claim_id) FROM complaints
WHERE indicator IN ('complaints_documented_coalition', 'torture_complaints_received_ombudsman', 'complaints_received_prosecutor')
  AND area = 'TJ' AND value IS NOT NULL AND alleged_body = '_T' AND sex = '_T' AND age_group = '_T' AND outcome = '_T'
  AND form = '_T' AND relation = '_T' AND cause = '_T' AND julianday(period_end) - julianday(period_start) < 732
GROUP BY indicator, period_start, period_end, value, qualifier ORDER BY period_end DESC LIMIT 200;

INSERT INTO front_figures
SELECT 'visits', '', min(claim_id) FROM monitoring_visits
WHERE indicator IN ('facilities_visited_monitoring_group', 'visits_monitoring_group')
  AND area = 'TJ' AND value IS NOT NULL AND facility_type = '_T'
GROUP BY indicator, period_start, period_end, value ORDER BY period_end DESC LIMIT 200;

-- The links of the chain from complaint to conviction.
INSERT INTO front_figures
SELECT 'funnel', CASE indicator WHEN 'complaints_received_prosecutor' THEN 'received' ELSE 'confirmed' END, claim_id
FROM complaints
WHERE indicator IN ('complaints_received_prosecutor', 'complaints_confirmed_prosecutor')
  AND area = 'TJ' AND value IS NOT NULL AND alleged_body = '_T' AND sex = '_T' AND age_group = '_T' AND outcome = '_T'
  AND form = '_T' AND relation = '_T' AND cause = '_T'
ORDER BY period_end DESC, claim_id LIMIT 30;

INSERT INTO front_figures
SELECT 'funnel', CASE WHEN indicator LIKE 'persons_convicted%' THEN 'convicted' ELSE 'opened' END, claim_id
FROM prosecutions
WHERE area = 'TJ' AND value IS NOT NULL AND (indicator LIKE 'criminal_cases_opened%'
  OR indicator LIKE 'persons_convicted%' OR indicator = 'officers_prosecuted_143_1')
ORDER BY period_end DESC, claim_id LIMIT 30;

CREATE TABLE front_recorded (recorded_on TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO front_recorded
SELECT recorded_on, count(*) FROM vintages GROUP BY recorded_on ORDER BY recorded_on DESC LIMIT 3;

-- What each topic holds; its own page asks this too.
CREATE TABLE front_series (
  topic TEXT NOT NULL, indicator TEXT NOT NULL, n INTEGER NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
  PRIMARY KEY (topic, indicator)
) WITHOUT ROWID;
INSERT INTO front_series
SELECT topic, indicator, count(*), min(period_start), max(period_end) FROM vintages
WHERE status = 'current' AND superseded_on IS NULL GROUP BY topic, indicator;

CREATE TABLE front_conflicts (conflict_id TEXT PRIMARY KEY, kind TEXT NOT NULL, indicator TEXT) WITHOUT ROWID;
INSERT INTO front_conflicts
SELECT c.conflict_id, c.kind, min(v.indicator)
FROM (SELECT * FROM conflicts WHERE kind IN ('contradiction', 'partition_mismatch') ORDER BY kind, conflict_id LIMIT 5) AS c
LEFT JOIN conflict_claims AS m ON m.conflict_id = c.conflict_id LEFT JOIN vintages AS v ON v.claim_id = m.claim_id
GROUP BY c.conflict_id;

-- Which disagreements touch an indicator; the page of a series asks this.
CREATE TABLE front_indicator_conflicts (
  indicator TEXT NOT NULL, kind TEXT NOT NULL, conflict_id TEXT NOT NULL, PRIMARY KEY (indicator, kind, conflict_id)
) WITHOUT ROWID;
INSERT INTO front_indicator_conflicts
SELECT DISTINCT v.indicator, c.kind, c.conflict_id
FROM conflict_claims AS m JOIN conflicts AS c ON c.conflict_id = m.conflict_id JOIN vintages AS v ON v.claim_id = m.claim_id;

-- How many figures each document gives, how many of them an archived copy holds, and when it was told; for the sources.
CREATE TABLE front_documents (
  document_id TEXT PRIMARY KEY, publisher TEXT NOT NULL, told_on TEXT NOT NULL, n INTEGER NOT NULL, seen INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO front_documents
SELECT d.document_id, d.publisher, coalesce(d.published_on, v.said_on, ''), coalesce(v.n, 0), coalesce(v.seen, 0)
FROM documents AS d LEFT JOIN (
  SELECT document_id, max(said_on) AS said_on, count(*) AS n, sum(evidence = 'in_capture') AS seen FROM vintages
  WHERE status = 'current' AND superseded_on IS NULL GROUP BY document_id) AS v ON v.document_id = d.document_id;

CREATE TABLE front_evidence (evidence TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO front_evidence
SELECT evidence, count(*) FROM vintages WHERE status = 'current' AND superseded_on IS NULL GROUP BY evidence;
