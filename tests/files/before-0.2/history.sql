BEGIN TRANSACTION;
CREATE TABLE durations (
        run TEXT NOT NULL REFERENCES runs (run), kind TEXT NOT NULL, position INTEGER NOT NULL,
        id TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL, seconds REAL NOT NULL,
        PRIMARY KEY (run, kind, position)
    );
INSERT INTO "durations" VALUES('20261129-170403-78a6','stage',0,'select','Choose generation latest','succeeded',0.038487);
INSERT INTO "durations" VALUES('20261129-170403-78a6','stage',1,'verify','Verify generation 20261129T170344Z-9d72cc','succeeded',0.376328);
INSERT INTO "durations" VALUES('20261129-170403-78a6','step',2,'stop-erp','Stop the ERP server','succeeded',1.06680750000123225618e-02);
INSERT INTO "durations" VALUES('20261129-170403-78a6','step',3,'roles','Create the roles that are missing','succeeded',2.57937659999925017473e-02);
INSERT INTO "durations" VALUES('20261129-170723-0ef5','stage',0,'select','Choose generation latest','succeeded',0.037757);
INSERT INTO "durations" VALUES('20261129-170723-0ef5','stage',1,'verify','Verify generation 20261129T170344Z-9d72cc','succeeded',0.371357);
INSERT INTO "durations" VALUES('20261129-170723-0ef5','step',2,'stop-erp','Stop the ERP server','succeeded',9.28058799991049454547e-03);
INSERT INTO "durations" VALUES('20261129-170723-0ef5','step',3,'place-copy','Place a kept copy of the database server''s data','succeeded',2.49050006700008452753e+00);
CREATE TABLE runs (
        run TEXT PRIMARY KEY, command TEXT NOT NULL, profile TEXT NOT NULL, base TEXT NOT NULL,
        stack TEXT NOT NULL, generation TEXT, verdict TEXT NOT NULL, started TEXT NOT NULL,
        finished TEXT NOT NULL, rto REAL, rpo REAL, budget REAL, bytes INTEGER, error TEXT,
        engine_version TEXT NOT NULL, signed_by TEXT, report_sha256 TEXT NOT NULL, mode TEXT
    );
INSERT INTO "runs" VALUES('20261129-170403-78a6','pra drill','odoo','drill','drill-20261129-170403-78a6','20261129T170344Z-9d72cc','pass','2026-11-29T17:04:03.104176+00:00','2026-11-29T17:04:42.062096+00:00',30.073093,18.317245,NULL,9372625,NULL,'0.1.0',NULL,'02a97ed32a13f1243132fca96af9b2697bddd8650d184545b74a8b46202d3eeb','cold');
INSERT INTO "runs" VALUES('20261129-170723-0ef5','pra staging create','odoo','drill','staging-yesterday','20261129T170344Z-9d72cc','pass','2026-11-29T17:07:23.806469+00:00','2026-11-29T17:07:55.817235+00:00',32.008102,219.019538,NULL,9372625,NULL,'0.1.0',NULL,'4facc075e7996eddbfc0f97c892ee29d4eb20179170a3bd97bf417234e3d0053','cached');
CREATE INDEX runs_by_time ON runs (started);
COMMIT;
PRAGMA user_version = 2;
